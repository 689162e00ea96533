"""Shared terminal: three processes print at the same time, so their lines interleave."""

import time
from multiprocessing import Process, Queue, Value, current_process

from check import check, say


def add_one(lines):
    with lines.get_lock():
        lines.value += 1
        return lines.value - 1


def work(lines, printed):
    name = current_process().name
    say(f'{name} is running')
    running = add_one(lines)
    time.sleep(0.6)
    say(f'{name} is done')
    printed.put((running, add_one(lines)))


if __name__ == '__main__':
    lines = Value('i', 0)
    printed = Queue()
    workers = [Process(target=work, args=(lines, printed)) for _ in range(3)]
    for worker in workers:
        worker.start()
    pairs = [printed.get() for _ in workers]
    for worker in workers:
        worker.join()

    check(lines.value == 6, 'three processes printed two lines each')
    check(any(done > running + 1 for running, done in pairs),
          'lines of one process came between the lines of another')
