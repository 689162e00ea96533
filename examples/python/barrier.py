"""Barrier: two of four processes meet at a Barrier(2) and go on at the same moment, although one
comes later. The two others don't meet."""

import time
from datetime import datetime
from multiprocessing import Barrier, Lock, Process, Queue, current_process

from check import check, say


def clock(at):
    return datetime.utcfromtimestamp(at).isoformat(timespec='milliseconds')[11:]


def walk_to(way, printing, meeting, results):
    name = current_process().name.ljust(15)
    time.sleep(way / 1000)
    came = time.time()
    place = meeting.wait() if meeting is not None else None
    left = time.time()
    with printing:
        say(f'{name}  came at {clock(came)}')
        say(f'{" " * len(name)}  left at {clock(left)}')
    results.put((current_process().name[:3], place, came, left))


if __name__ == '__main__':
    printing, meeting, results = Lock(), Barrier(2), Queue()
    walkers = [
        Process(name='Ann (meets Bob)', target=walk_to, args=(100, printing, meeting, results)),
        Process(name='Bob (meets Ann)', target=walk_to, args=(500, printing, meeting, results)),
        Process(name='Eve (alone)', target=walk_to, args=(100, printing, None, results)),
        Process(name='Tom (alone)', target=walk_to, args=(500, printing, None, results)),
    ]
    for walker in walkers:
        walker.start()
    ann, bob, eve, tom = sorted(results.get() for _ in walkers)
    for walker in walkers:
        walker.join()

    check(min(ann[3], bob[3]) >= max(ann[2], bob[2]), 'neither left before both had come')
    check({ann[1], bob[1]} == {0, 1}, 'the barrier counted them: 0 and 1')
    check(eve[1] is None and tom[1] is None, 'the two others met nobody')
