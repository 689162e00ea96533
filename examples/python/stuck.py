"""Stuck: a program that hangs on purpose, and what can be seen of it.

Python has no view from outside. A process can prepare itself with `faulthandler`, and prints its
stack at a signal. The stack shows that a call waits, but no tool shows the holder of its lock. The
locks of a killed process are never released, so the other two wait forever."""

import faulthandler
import os
import signal
import tempfile
from multiprocessing import Event, Lock, Process

from check import check


def prepare(stacks):
    faulthandler.register(signal.SIGUSR1, open(stacks, 'w'))


def compute(stacks, ready, customers):
    prepare(stacks)
    customers.acquire()
    ready.set()
    while True:
        pass


def report(stacks, ready, invoices, customers):
    prepare(stacks)
    with invoices:
        ready.set()
        customers.acquire()


def pay(stacks, ready, invoices):
    prepare(stacks)
    ready.set()
    invoices.acquire()


def stack_of(child, stacks, function, waits):
    """Signals until the stack shows the function where it stays, and returns the stack."""
    while True:
        os.kill(child.pid, signal.SIGUSR1)
        child.join(0.005)
        with open(stacks) as file:
            latest = file.read().split('\n\n')[-1].strip()
        lines = [line for line in latest.splitlines() if line.startswith('  File')]
        if lines and lines[0].endswith(f' in {function}') and (not waits or 'stuck.py' in lines[0]):
            return lines[0].strip()


if __name__ == '__main__':
    customers, invoices = Lock(), Lock()
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for target, locks in ((compute, [customers]), (report, [invoices, customers]), (pay, [invoices])):
            ready, stacks = Event(), os.path.join(folder, target.__name__)
            child = Process(target=target, args=(stacks, ready, *locks), name=target.__name__)
            child.start()
            ready.wait()
            children.append((child, stacks))
        for child, stacks in children:
            print(f'{child.name} ({child.pid}): {stack_of(child, stacks, child.name, child.name != "compute")}')
        check(not customers.acquire(timeout=0) and not invoices.acquire(timeout=0),
              'both locks are held; the stacks do not show by which process')

        (busy, _), *waiting = children
        busy.kill()
        busy.join()
        check(not customers.acquire(timeout=0.2), 'with "compute" killed, its lock stays taken forever')
        for child, _ in waiting:
            child.kill()
            child.join()
