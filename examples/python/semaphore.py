"""Semaphore: a lock with a number of places. Semaphore(1) lets one process in at a time,
Semaphore(2) two."""

import time
from multiprocessing import Process, Queue, Semaphore, Value, current_process

from check import check, say


def visit(places, inside, ms, counts):
    name = current_process().name.ljust(10)
    with places:
        with inside.get_lock():
            inside.value += 1
            company = inside.value
        say(f'{name} goes in for {ms:4} ms  (inside: {company})')
        time.sleep(ms / 1000)
        say(f'{name} goes out')
        with inside.get_lock():
            inside.value -= 1
    counts.put(company)


def open_for(places, stays):
    """One process for each stay, all started together; returns the most that were inside at once."""
    inside, counts = Value('i', 0), Queue()
    visitors = [Process(target=visit, args=(places, inside, ms, counts)) for ms in stays]
    for visitor in visitors:
        visitor.start()
    most = max(counts.get() for _ in visitors)
    for visitor in visitors:
        visitor.join()
    return most


if __name__ == '__main__':
    single, double = Semaphore(1), Semaphore(2)
    check(open_for(single, [20] * 10) == 1, 'ten processes through Semaphore(1): never two inside')

    start = time.monotonic()
    check(open_for(double, [200, 400, 600, 800, 1000]) == 2,
          'five processes through Semaphore(2): two inside, never three')
    check(time.monotonic() - start >= 1.5, '3000 ms of staying took two places at least 1500 ms')
    check(single.get_value() == 1 and double.get_value() == 2, 'all places are free again')
