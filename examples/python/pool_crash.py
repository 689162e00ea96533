"""Pool, crash: a worker is killed in the middle of a map, as the kernel does when memory is short.

`multiprocessing.Pool` can't show this: its `map` waits forever for the result of a killed worker.
`ProcessPoolExecutor` notices the death and then shuts down: every call that has no result yet fails
with `BrokenProcessPool`. The error names neither the call nor its arguments. To go on, the program
makes a new executor and submits all of those calls again."""

import os
import random
import signal
import time
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from check import check


def work(item, unlucky):
    """Does some work. The worker that gets the unlucky item is killed."""
    if item == unlucky:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.005)
    return item * item


def fatal(item):
    return work(item, 13)


def maybe(item):
    """As `fatal`, but half of the time no worker is killed."""
    return work(item, 13 if random.random() < 0.5 else -1)


def outcomes_of(function, items):
    """The results and errors of one executor, by item, and the error that broke it."""
    calls, broken = {}, None
    with ProcessPoolExecutor(2) as pool:
        try:
            for item in items:
                calls[item] = pool.submit(function, item)
        except BrokenProcessPool as error:  # `submit` fails, too, once the executor is broken
            broken = error
        wait(calls.values())
        try:
            pool.submit(work, 0, -1)
        except BrokenProcessPool as error:
            broken = error
    return {item: (calls[item].exception() or calls[item].result()) if item in calls else broken for item in items}, broken


if __name__ == '__main__':
    outcomes, broken = outcomes_of(fatal, range(40))
    lost = [item for item, outcome in outcomes.items() if isinstance(outcome, BrokenProcessPool)]
    print(f'40 items: {40 - len(lost)} done, {len(lost)} lost with its worker')
    print(f'  {outcomes[13]}')
    check(13 in lost and broken, 'every item without a result is lost, and the pool with them')

    squares, pools = {}, 0
    while len(squares) < 40:
        pools += 1
        again, _ = outcomes_of(maybe, [item for item in range(40) if item not in squares])
        squares.update((item, each) for item, each in again.items() if not isinstance(each, Exception))
    check(all(squares[item] == item * item for item in range(40)),
          'with retries every item has its result, whichever worker was killed')
    print(f'  that took {pools} executor{"s" if pools > 1 else ""}')
