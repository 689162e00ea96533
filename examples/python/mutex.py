"""Mutex: the lines of three processes under a Lock. The holder prints, the others wait."""

import time
from multiprocessing import Lock, Process, Queue, Value, current_process

from check import check, say


def line(text, lines):
    """Prints a line and returns its number among all lines, from all processes."""
    say(text)
    with lines.get_lock():
        lines.value += 1
        return lines.value - 1


def work(lock, lines, results):
    name = current_process().name
    with lock:
        running = line(f'{name} is running', lines)
        time.sleep(0.15)
        results.put([running, line(f'{name} is done', lines)])


def count(name, lock, lines, results):
    numbers = []
    with lock:
        for n in (1, 2, 3):
            numbers.append(line(f'{name} {n}', lines))
            time.sleep(0.05)
    results.put(numbers)


def run(processes, results):
    for process in processes:
        process.start()
    seen = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return seen


def together(numbers):
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


if __name__ == '__main__':
    lock, lines, results = Lock(), Value('i', 0), Queue()

    pairs = run([Process(target=work, args=(lock, lines, results)) for _ in range(3)], results)
    check(all(map(together, pairs)), 'each process was done before the next was running')

    names = ('p0', 'p1', 'p2')
    triples = run([Process(target=count, args=(name, lock, lines, results)) for name in names], results)
    check(all(map(together, triples)), 'the three lines of each process stayed together')
    check(lines.value == 6 + 9, 'fifteen lines in all')
