"""Queue: three processes put numbers, four take them, each number exactly once."""

import time
from math import isqrt
from multiprocessing import Process, Queue, current_process

from check import check, say

PRODUCERS, CONSUMERS, EACH = 3, 4, 200


def produce(jobs, first):
    name = current_process().name
    for number in range(first, first + EACH):
        jobs.put((name, number))
    say(f'{name}: put {first} to {first + EACH - 1}')


def consume(jobs, squares, seen):
    latest, taken, in_order = {}, 0, True
    for producer, number in iter(jobs.get, None):
        in_order = in_order and latest.get(producer, -1) < number
        latest[producer] = number
        taken += 1
        time.sleep(0.002)  # work: meanwhile another consumer takes the next one
        squares.put(number * number)
    say(f'{current_process().name}: took {taken}')
    seen.put((taken, in_order))


if __name__ == '__main__':
    jobs = Queue(50)  # a producer that is ahead of the consumers waits
    squares, seen = Queue(), Queue()
    producers = [Process(name=f'producer {n + 1}', target=produce, args=(jobs, n * EACH)) for n in range(PRODUCERS)]
    consumers = [Process(name=f'consumer {n + 1}', target=consume, args=(jobs, squares, seen)) for n in range(CONSUMERS)]
    for child in producers + consumers:
        child.start()
    for child in producers:
        child.join()
    for _ in consumers:
        jobs.put(None)  # a Queue has no end: each consumer needs a word of its own
    roots = sorted(isqrt(squares.get()) for _ in range(PRODUCERS * EACH))
    took = [seen.get() for _ in consumers]
    for child in consumers:
        child.join()

    check(sum(taken for taken, _ in took) == PRODUCERS * EACH, f'{PRODUCERS * EACH} numbers were taken')
    check(roots == list(range(PRODUCERS * EACH)), 'each number was taken exactly once')
    check(all(in_order for _, in_order in took),
          "every consumer saw each producer's numbers in the order in which they were put")
