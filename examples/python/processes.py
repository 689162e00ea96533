"""Processes: made from a function or as a subclass; names, pids, life and death, exit codes."""

import os
import sys
import time
from multiprocessing import Process, Queue, current_process, parent_process

from check import check, say


def introduce():
    say(f'{current_process().name}: pid {os.getpid()}, child of {parent_process().pid}')


def stay(ms, results):
    introduce()
    time.sleep(ms / 1000)
    results.put(os.getppid())


def fail():
    say(f'{current_process().name}: fails on purpose; its error is printed as any other:')
    raise RuntimeError('this error is part of the program')


class Greeter(Process):
    whom = 'nobody'

    def __init__(self, results, **options):
        super().__init__(**options)
        self.results = results

    def run(self):
        introduce()
        self.results.put(f'hello, {self.whom}')


if __name__ == '__main__':
    say(f'main: pid {os.getpid()}')
    stayed, greetings = Queue(), Queue()
    by_target = Process(target=stay, args=(200, stayed))
    greeter = Greeter(greetings, name='greeter')
    greeter.whom = 'world'
    before = by_target.is_alive()
    by_target.start()
    greeter.start()
    during = by_target.is_alive()
    check(greetings.get() == 'hello, world', 'the subclass says: hello, world')
    check(stayed.get() == os.getpid(), f'{by_target.name} is a child of this program')
    by_target.join()
    greeter.join()
    check(not before and during and not by_target.is_alive(),
          'not alive before start, alive after, not after its end')

    failing = Process(target=fail)
    leaving = Process(target=sys.exit, args=(3,))
    endless = Process(target=stay, args=(60_000, stayed))
    for child in (failing, leaving, endless):
        child.start()
    endless.terminate()
    for child in (failing, leaving, endless):
        child.join()
    codes = [child.exitcode for child in (by_target, failing, leaving, endless)]
    check(codes == [0, 1, 3, -15], 'exit codes: 0 done, 1 failed, 3 by process.exit(3), -15 terminated')
