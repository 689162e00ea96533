"""Recursive lock: an RLock may be taken again by its holder. It is free for the others only when
released as often as it was taken."""

import time
from multiprocessing import Process, Queue, RLock, Value, current_process

from check import check, say


def next_line(lines):
    with lines.get_lock():
        lines.value += 1
        return lines.value - 1


def outer(lock, lines, visits):
    with lock:
        say(f'{current_process().name} holds the lock')
        first = next_line(lines)
        time.sleep(0.02)  # time enough for another to come between, were the lock free
        visits.put((first, inner(lock, lines)))


def inner(lock, lines):
    with lock:  # with a plain Lock this would wait for itself, forever
        say(f'{current_process().name} holds it twice')
        return next_line(lines)


if __name__ == '__main__':
    lock, lines, visits = RLock(), Value('i', 0), Queue()
    workers = [Process(target=outer, args=(lock, lines, visits)) for _ in range(10)]
    for worker in workers:
        worker.start()
    seen = [visits.get() for _ in workers]
    for worker in workers:
        worker.join()

    check(lines.value == 20, 'ten processes took the lock twice')
    check(all(second == first + 1 for first, second in seen), 'each on its own turn: nobody came between')
    check(lock.acquire(block=False), 'and free at the end')
    lock.release()
