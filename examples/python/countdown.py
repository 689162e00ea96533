"""Countdown: a hundred threads each take one from a shared number. "Read, think, write" is three
steps: without a lock, two may read the same and one is lost."""

import time
from contextlib import nullcontext
from multiprocessing import Process, Value
from threading import Lock, Thread

from check import check


class Number:
    def __init__(self, value):
        self.value = value


def take_one(number, lock):
    with lock or nullcontext():
        read = number.value
        time.sleep(0.01)
        number.value = read - 1


def add_one(counter):
    with counter.get_lock():
        read = counter.value
        time.sleep(0.01)
        counter.value = read + 1


def take_from(number, count, lock):
    """Starts `count` threads, ten at a time, each of which takes one from `number`."""
    for started in range(0, count, 10):
        threads = [Thread(target=take_one, args=(number, lock)) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f'{started + 10} ', end='')
    print(f'of {count} threads are done', flush=True)


if __name__ == '__main__':
    number = Number(100)
    take_from(number, 100, Lock())
    print(f'100 threads, with a lock:     Result: {number.value}', flush=True)

    unlocked = Number(30)
    take_from(unlocked, 30, None)
    print(f'30 threads, without a lock:   Result: {unlocked.value}  ({unlocked.value} updates lost)', flush=True)

    counter = Value('i', 0)
    adders = [Process(target=add_one, args=(counter,)) for _ in range(10)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    print(f'10 processes, each adds one:  Result: {counter.value}', flush=True)

    check(number.value == 0, 'with the lock every one of the hundred counted')
    check(unlocked.value > 0, 'without it updates were lost')
    check(counter.value == 10, 'ten processes added up to ten')
