"""The Python side of the bench: the same work by CPython's multiprocessing.

  peers.py uncontended N     ns for one acquire + release of a Lock that nobody else wants
  peers.py contended P N     millions of acquire, add one, release a second, by P processes of N each; total verified
  peers.py ping-pong N       us for one round trip of two processes over two Semaphores
  peers.py barrier N         us for one round of two processes at a Barrier
  peers.py queue-objects N   millions of small dicts a second through a Queue, from one process to another
  peers.py queue-integers N  the same with integers
  peers.py pool-map N        millions of integers a second through Pool(2).map of a function that returns its argument
  peers.py pool-imap N       integers a second through Pool(2).imap with a chunk size of 1

Prints one number. The loops read as a Python program would write them and as the JavaScript side is
written, line by line: `acquire()` and `release()`, which is several times faster than `with`. Children are forked before the clock starts, so the start method doesn't matter to the figures.
"""

import multiprocessing
import sys
import time

mp = multiprocessing.get_context("fork")


def uncontended(n):
    lock = mp.Lock()
    start = time.perf_counter()
    for _ in range(n):
        lock.acquire()
        lock.release()
    return (time.perf_counter() - start) / n * 1e9


def add(lock, counter, n, start, done):
    done.release()
    start.acquire()
    for _ in range(n):
        lock.acquire()
        counter.value += 1
        lock.release()
    done.release()


def contended(processes, n):
    lock, counter = mp.Lock(), mp.RawValue("i", 0)
    start, done = mp.Semaphore(0), mp.Semaphore(0)
    children = [mp.Process(target=add, args=(lock, counter, n, start, done), daemon=True) for _ in range(processes)]
    for child in children:
        child.start()
    for _ in children:
        done.acquire()  # all are there
    begin = time.perf_counter()
    for _ in children:
        start.release()
    for _ in children:
        done.acquire()
    took = time.perf_counter() - begin
    for child in children:
        child.join()
    if counter.value != processes * n:
        sys.exit(f"total is {counter.value} instead of {processes * n}")
    return processes * n / took / 1e6


def answer(ping, pong, n):
    for _ in range(n):
        ping.acquire()
        pong.release()


def ping_pong(n):
    ping, pong = mp.Semaphore(0), mp.Semaphore(0)
    warm = n // 10 + 1
    child = mp.Process(target=answer, args=(ping, pong, warm + n), daemon=True)
    child.start()
    for _ in range(warm):
        ping.release()
        pong.acquire()
    start = time.perf_counter()
    for _ in range(n):
        ping.release()
        pong.acquire()
    took = time.perf_counter() - start
    child.join()
    return took / n * 1e6


def meet(barrier, n):
    for _ in range(n):
        barrier.wait()


def barrier(n):
    meeting = mp.Barrier(2)
    warm = n // 10 + 1
    child = mp.Process(target=meet, args=(meeting, warm + n), daemon=True)
    child.start()
    meet(meeting, warm)
    start = time.perf_counter()
    meet(meeting, n)
    took = time.perf_counter() - start
    child.join()
    return took / n * 1e6


def put_objects(queue, start, n):
    start.acquire()
    for i in range(n):
        queue.put({"id": i, "name": f"item {i % 100}", "tags": ["red", "green", "blue"]})


def put_integers(queue, start, n):
    start.acquire()
    for i in range(n):
        queue.put(i)


def take(put, n):
    queue, start = mp.Queue(), mp.Semaphore(0)
    child = mp.Process(target=put, args=(queue, start, n), daemon=True)
    child.start()
    begin = time.perf_counter()
    start.release()
    for _ in range(n):
        queue.get()
    took = time.perf_counter() - begin
    child.join()
    return n / took / 1e6


def queue_objects(n):
    return take(put_objects, n)


def queue_integers(n):
    return take(put_integers, n)


def same(value):
    return value


def pool_map(n):
    items = list(range(n))
    with mp.Pool(2) as pool:
        pool.map(same, items[:1000])
        start = time.perf_counter()
        results = pool.map(same, items)
        took = time.perf_counter() - start
    if results != items:
        sys.exit("results are missing")
    return n / took / 1e6


def pool_imap(n):
    with mp.Pool(2) as pool:
        pool.map(same, range(1000))
        start = time.perf_counter()
        count = sum(1 for _ in pool.imap(same, range(n)))
        took = time.perf_counter() - start
    if count != n:
        sys.exit("results are missing")
    return n / took


MEASURES = {
    "uncontended": uncontended,
    "contended": contended,
    "ping-pong": ping_pong,
    "barrier": barrier,
    "queue-objects": queue_objects,
    "queue-integers": queue_integers,
    "pool-map": pool_map,
    "pool-imap": pool_imap,
}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in MEASURES:
        sys.exit(__doc__)
    print(MEASURES[sys.argv[1]](*map(int, sys.argv[2:])))
