"""Pool, cancel: a task is given up while it runs.

Python can withdraw a task only while it waits. A call that runs can't be cancelled: the program
passes an Event that the function polls, at about a microsecond a look. A function that polls nothing
runs on after its timeout. To end it, the program has to kill the worker, which breaks the whole pool
and loses every task that waits in it. The executor hands one task ahead to its worker, and reports
that task as running, so only a later one can be withdrawn."""

import os
import signal
from concurrent.futures import CancelledError, ProcessPoolExecutor, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import Event

from check import check

stop = started = None


def share(*events):
    """Runs first in each worker: an Event can't travel as an argument of a task."""
    global stop, started
    stop, started = events


def search_and_ask():
    """Searches without end, but asks in each round."""
    started.set()
    while not stop.is_set():
        pass
    return os.getpid()


def search_deaf():
    """Asks nothing, ever."""
    while True:
        pass


def add(a, b):
    return a + b


if __name__ == '__main__':
    events = Event(), Event()
    pool = ProcessPoolExecutor(1, initializer=share, initargs=events)
    asking = pool.submit(search_and_ask)
    events[1].wait()
    ahead = pool.submit(add, 3, 4)
    waiting = pool.submit(add, 1, 2)
    withdrawn = waiting.cancel()
    refused = not asking.cancel()  # it runs
    events[0].set()
    worker = asking.result()
    check(refused and pool.submit(os.getpid).result() == worker,
          'a loop that asks was stopped, and its worker lives on')
    check(withdrawn and ahead.result() == 7, 'a task that waits is withdrawn')

    deaf = pool.submit(search_deaf)
    late = pool.submit(add, 3, 4)
    try:
        deaf.result(timeout=0.05)
        timed_out = False
    except TimeoutError:
        timed_out = deaf.running()
    check(timed_out, 'one that asks nothing is given up when its time is over, but runs on')
    try:
        waiting.result()
    except CancelledError:
        check(waiting.cancelled(), 'the withdrawn one has never run')

    os.kill(worker, signal.SIGKILL)
    wait([deaf, late])
    check(isinstance(late.exception(), BrokenProcessPool), 'with its worker, the next task is lost')
    pool.shutdown()
    with ProcessPoolExecutor(1) as other:
        check(other.submit(add, 3, 4).result() == 7, 'only a new pool runs it')
