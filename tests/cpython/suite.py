"""Which of CPython's tests are run, with which of them not applicable and why; and the runner. Started by `run`."""

import argparse
import gc
import json
import _thread
import multiprocessing
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
import types
import unittest

import multiprocessing.connection
import multiprocessing.dummy

from test import lock_tests, support, test_queue, test_thread, test_threading
from test import _test_multiprocessing as mp_tests

import shim
from shim import Settings

WATCHDOG = float(os.environ.get('CPYTHON_WATCHDOG', 150))
# lock_tests sleeps 10 ms for each thread that is to block. Between the thread and its agent lie two processes: somewhat longer here.
SLOWER = float(os.environ.get('CPYTHON_SLOWER', 3))


TRACE = f'{shim.DIR}/trace'


class Overlay(types.ModuleType):
    """A module with some names replaced."""

    def __init__(self, module, **names):
        super().__init__(module.__name__)
        self.__dict__.update(names)
        self.__dict__['_overlaid'] = module

    def __getattr__(self, name):
        return getattr(self.__dict__['_overlaid'], name)


lock_tests.wait_threads_blocked = lambda n: time.sleep(0.010 * n * SLOWER)
lock_tests.threading = Overlay(threading, Lock=shim.Lock, RLock=shim.RLock)
test_threading.threading = Overlay(threading, Lock=shim.Lock, RLock=shim.RLock, BoundedSemaphore=shim.BoundedSemaphore)
test_thread.thread = Overlay(_thread, allocate_lock=shim.Lock)
real_connection_wait = multiprocessing.connection.wait
mp_tests.multiprocessing = Overlay(
    multiprocessing,
    Process=shim.Process,
    Lock=shim.MpLock,
    RLock=shim.MpRLock,
    Semaphore=shim.MpSemaphore,
    BoundedSemaphore=shim.MpBoundedSemaphore,
    Condition=shim.MpCondition,
    Event=shim.MpEvent,
    Barrier=shim.Barrier,
    Queue=shim.Queue,
    JoinableQueue=shim.JoinableQueue,
    SimpleQueue=shim.SimpleQueue,
    Pipe=shim.Pipe,
    Value=shim.Value,
    Array=shim.Array,
    RawValue=shim.RawValue,
    RawArray=shim.RawArray,
)
mp_tests.Value = shim.Value
# What sleeps 100 ms there to let others come so far.
mp_tests.DELTA *= SLOWER

#
# The classes
#

CLASSES = {}


def group(name, base, **attributes):
    CLASSES[name] = type(name, (base, unittest.TestCase), {'__module__': __name__, **attributes})


group('LockTests', lock_tests.LockTests, locktype=shim.Lock)
group('RLockTests', lock_tests.RLockTests, locktype=shim.RLock)
group('ConditionAsRLockTests', lock_tests.RLockTests, locktype=shim._ConditionAsRLock)
group('EventTests', lock_tests.EventTests, eventtype=shim.Event)
group('ConditionTests', lock_tests.ConditionTests, condtype=shim.Condition)
group('SemaphoreTests', lock_tests.SemaphoreTests, semtype=shim.Semaphore)
group('BoundedSemaphoreTests', lock_tests.BoundedSemaphoreTests, semtype=shim.BoundedSemaphore)
group('BarrierTests', lock_tests.BarrierTests, barriertype=shim.Barrier)


group('EventBurstTests', type('EventBurst', (lock_tests.BaseTestCase,), {
    'test_set_and_clear': lock_tests.EventTests.test_set_and_clear}), eventtype=shim.BurstEvent)


class BarrierBurst(lock_tests.BaseTestCase):
    """Two journeys lie between a call and the next of the same thread, long enough to hide something: here the next wait follows at once."""
    N, defaultTimeout = lock_tests.BarrierTests.N, lock_tests.BarrierTests.defaultTimeout
    setUp, tearDown = lock_tests.BarrierTests.setUp, lock_tests.BarrierTests.tearDown
    run_threads = lock_tests.BarrierTests.run_threads

    def test_reset_many_times(self):
        for _ in range(100):
            lock_tests.BarrierTests.test_reset(self)
            self.barrier.abort()
            self.setUp()


group('BarrierBurstTests', BarrierBurst, barriertype=shim.BurstBarrier)


class OfThreading(test_threading.BaseTestCase):
    test_BoundedSemaphore_limit = test_threading.ThreadTests.test_BoundedSemaphore_limit
    test_various_ops = test_threading.ThreadTests.test_various_ops
    test_foreign_thread = test_threading.ThreadTests.test_foreign_thread


group('ThreadingTests', OfThreading)


class OfThread(test_thread.BasicThreadTest):
    newtask = test_thread.ThreadRunningTests.newtask
    task = test_thread.ThreadRunningTests.task
    task2 = test_thread.BarrierTest.task2
    test_starting_threads = test_thread.ThreadRunningTests.test_starting_threads
    test__count = test_thread.ThreadRunningTests.test__count
    test_unraisable_exception = test_thread.ThreadRunningTests.test_unraisable_exception
    test_barrier = test_thread.BarrierTest.test_barrier


group('ThreadTests', OfThread)


class Shimmed:
    """What the tests of multiprocessing reach by `self`."""
    Lock = shim.MpLock
    RLock = shim.MpRLock
    Semaphore = shim.MpSemaphore
    BoundedSemaphore = shim.MpBoundedSemaphore
    Condition = shim.MpCondition
    Event = shim.MpEvent
    Barrier = shim.Barrier
    Queue = shim.Queue
    JoinableQueue = shim.JoinableQueue
    Pipe = staticmethod(shim.Pipe)
    Value = staticmethod(shim.Value)
    Array = staticmethod(shim.Array)
    RawValue = staticmethod(shim.RawValue)
    RawArray = staticmethod(shim.RawArray)

    def check_invariant(self, cond):
        """Of _TestCondition, which looks at the semaphores within: nobody is said to wait any more."""
        self.assertEqual(cond._describe()['waiting'], 0)


    @classmethod
    def _echo(cls, conn):
        """Of _TestConnection, whose echo takes the pickle of what was sent for bytes: messages of bytes and of values differ here."""
        for message in iter(conn.recv, b''):
            if isinstance(message, bytes):
                conn.send_bytes(message)
            else:
                conn.send(message)
        conn.close()


class OfProcesses(Shimmed, mp_tests.ProcessesMixin):
    Process = shim.Process


class OfThreads(Shimmed, mp_tests.ThreadsMixin):
    Process = shim.DummyProcess


MP = ['Lock', 'Semaphore', 'Condition', 'Event', 'Barrier', 'Queue', 'Value', 'Array', 'Connection', 'Poll', 'SharedCTypes']
for each in MP:
    base = getattr(mp_tests, f'_Test{each}')
    for type_, mixin in (('processes', OfProcesses), ('threads', OfThreads)):
        if type_ not in base.ALLOWED_TYPES:
            continue
        name = f'With{type_.capitalize()}Test{each}'
        CLASSES[name] = type(name, (mixin, base, unittest.TestCase), {'__module__': __name__})
group('TestSimpleQueue', mp_tests.TestSimpleQueue)


class ManagedValue(shim.ValueOf):
    """A manager's Value has get and set."""

    def get(self):
        return self.value

    def set(self, value):
        self.value = value


class Manager:
    """In the place of a manager, which has these by its server."""
    Lock, RLock, Semaphore, BoundedSemaphore = shim.Lock, shim.RLock, shim.Semaphore, shim.BoundedSemaphore
    Condition, Event, Barrier = shim.Condition, shim.Event, shim.Barrier
    Queue, JoinableQueue, Array = shim.Queue, shim.JoinableQueue, staticmethod(shim.Array)

    @staticmethod
    def Value(*args):
        return ManagedValue._from(shim.Value(*args)._handle)


class OfManager(mp_tests.TestSyncManagerTypes):
    def setUp(self):
        self.manager = Manager()
        self.proc = None

    def tearDown(self):
        pass


group('TestSyncManagerTypes', OfManager)
group('TestWait', mp_tests.TestWait)


class QueueOfThreads(test_queue.QueueTest):
    """queue.Queue has task_done and join: a JoinableQueue."""
    queue = queue

    def setUp(self):
        test_queue.BaseQueueTestMixin.setUp(self)
        self.type2test = type('Queue', (shim.JoinableQueue,), {})


group('QueueTest', QueueOfThreads)


class SimpleQueueOfThreads(test_queue.BaseSimpleQueueTest):
    """queue.SimpleQueue has what Lockstep's SimpleQueue has not, sizes and timeouts: a Queue."""
    queue = queue
    type2test = shim.Queue


group('SimpleQueueTest', SimpleQueueOfThreads)

#
# What does not apply
#

FORK = 'there is no fork in Lockstep: _at_fork_reinit has no counterpart (docs/coming-from/python.md)'
DESCRIPTORS = 'a Connection is no file descriptor: nothing to pass descriptors by'
REAL = 'imports the real multiprocessing in a module of its own: never touches the shim'
FEEDER = 'about the feeder thread and its pickling: Lockstep encodes within put, which throws (deliberate: docs)'
INTEGER = 'waits for an integer (a file descriptor of a Python process): Lockstep waits for AbortSignals of its own processes'
SUBCLASS = "about a private attribute or a writable maxsize of CPython's class"

NOT_APPLICABLE = {
    r'.*\.test_at_fork_reinit': FORK,
    r'ConditionAsRLockTests\.test_recursion_count': 'a Condition has no _recursion_count (CPython skips it, too)',
    r'WithProcessesTestConnection\.test_(fd_transfer|large_fd_transfer|missing_fd_transfer)': DESCRIPTORS,
    r'WithThreadsTestConnection\.test_(fd_transfer|large_fd_transfer|missing_fd_transfer)': DESCRIPTORS,
    r'.*Queue\.test_no_import_lock_contention': REAL,
    r'.*Queue\.test_queue_feeder_.*': FEEDER,
    r'WithProcessesTestSharedCTypes\.test_copy': 'about a copy of a ctypes Structure that is not shared',
    r'TestSyncManagerTypes\.test_(list|dict|namespace|pool)': 'no managers and no pools in Lockstep (docs)',
    r'TestSimpleQueue\.test_closed': SUBCLASS,
    r'TestWait\.test_wait_socket(_slow)?': 'waits for sockets: Lockstep waits for queues, ends of pipes and signals',
    r'TestWait\.test_wait_integer': INTEGER,
    r'QueueTest\.test_shrinking_queue': SUBCLASS,
    r'SimpleQueueTest\.test_references': 'weak references to the items themselves: what comes out is a copy',
}
HUNDRED = '100 threads at once: 100 Node processes (run with --heavy)'
# In some modes only.
NOT_APPLICABLE_IN = {
    # A blocked thread can't be interrupted: no JavaScript runs in it.
    r'WithProcessesTestCondition\.test_wait_result': (
        ('sync', 'thread', 'mixed'),
        'interrupts a blocked wait by a signal: no signal handler runs while a thread is blocked (deliberate: docs, "Ctrl-C")',
    ),
    r'SimpleQueueTest\.test_many_threads.*': (
        ('sync', 'await', 'mixed'),
        HUNDRED,
    ),
}
# What is different on purpose: the test has to fail, by just this.
FREED = 'the child ends with what it holds: Lockstep frees it (deliberate: docs, "the holder exits without releasing"; README)'
DIFFERENT = {
    'TestSyncManagerTypes.test_lock': (r'o\.release\(\)[\s\S]*ERR_LOCKSTEP_NOT_LOCKED', FREED),
    'TestSyncManagerTypes.test_bounded_semaphore': (r'o\.release\(\)[\s\S]*ERR_LOCKSTEP_OVER_RELEASE', FREED),
}
# A Lock that a thread takes again while it holds it, where another releases it, or a timeout ends the wait: Lockstep tells the second taking
# that it waits for itself, by a DeadlockError. Python's programs may do that, and so may Lockstep's that say `deadlock: 'ignore'` (README,
# "Limits"; contracts.ts: "also where a timeout would dissolve it"). Each is run twice: as it is, where a DeadlockError is expected, and with
# 'ignore', where it has to pass.
SELF_DEADLOCK = {'LockTests.test_reacquire', 'LockTests.test_state_after_timeout'}
# A Lock that is a signal: one thread takes it twice, another releases it, sooner or later. With 'ignore' only.
AS_SIGNALS = {
    'ThreadingTests.test_foreign_thread', 'ThreadTests.test_starting_threads', 'ThreadTests.test__count',
    'ThreadTests.test_unraisable_exception', 'ThreadTests.test_barrier',
}
# Given an AbortSignal, by which a KeyboardInterrupt gives the wait up.
INTERRUPTED = {'WithProcessesTestCondition.test_wait_result'}

# Agents that have to be ready: in this process, and for its child processes. Many, where threads are not waited for before they are timed.
READY = {
    r'(Lock|RLock|ConditionAsRLock)Tests\.test_thread_leak': (16, 0),
    r'(Semaphore|BoundedSemaphore)Tests\..*': (11, 0),
    r'ThreadingTests\.test_BoundedSemaphore_limit': (48, 0),
    r'Thread(ing)?Tests\..*': (11, 0),
    r'SimpleQueueTest\.test_many.*': (101, 0),
    r'QueueTest\..*|SimpleQueueTest\..*': (4, 0),
    r'WithProcessesTestCondition\..*': (5, 4),
    r'WithProcesses.*|TestS.*|TestWait\..*': (1, 5),
    r'.*': (7, 0),
}


def lookup(table, name, default=None):
    for pattern, value in table.items():
        if re.fullmatch(pattern, name):
            return value
    return default


#
# The runner
#

class TestHung(BaseException):
    """A test has run longer than it may."""


def make_ready(name):
    """Sees to it that no test waits for Node to start."""
    here, children = lookup(READY, name)
    wanted = {}
    for placement, calls in Settings.kinds:
        if placement == 'flow':
            wanted[placement] = (0 if shim.registry.host else 1) + children
            continue
        idle = len(shim.registry.idle.get((placement, calls), []))
        per_kind = -(-here // len(Settings.kinds))
        of_children = -(-children // len(Settings.kinds))
        wanted[placement] = wanted.get(placement, 0) + max(0, per_kind - idle) + of_children
    if not any(wanted.values()):
        return
    shim.hub(want=wanted)
    deadline = time.monotonic() + 120
    while any(len(shim.free(placement)) < number for placement, number in wanted.items()):
        if time.monotonic() > deadline:
            raise RuntimeError(f'no agents: wanted {wanted}')
        time.sleep(0.01)


def end_children():
    for child in multiprocessing.active_children():
        child.terminate()
        child.join(5)
        if child.is_alive():
            child.kill()
            child.join()


def traced(started):
    """The calls of all processes in this test, by time."""
    if Settings.trace is None:
        return ''
    with open(TRACE) as file:
        lines = sorted(line.split(' ', 1) for line in file.read().splitlines())
    return '\nwhat was asked:\n' + '\n'.join(f'{(float(at) - started) * 1000:9.2f} {rest}' for at, rest in lines)


def run_one(case, name):
    """Runs a test: (outcome, details, seconds)."""
    make_ready(name)
    Settings.agents_ended = 0
    Settings.recovered = 0
    if Settings.trace is not None:
        os.ftruncate(Settings.trace, 0)

    def hung(*_):
        raise TestHung(f'still running after {WATCHDOG:.0f} s')

    shim.agent()
    result = unittest.TestResult()
    multiprocessing.connection.wait = shim.wait if name.startswith('TestWait') else real_connection_wait
    previous = signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, WATCHDOG)
    started = time.monotonic()
    details = None
    try:
        case.run(result)
    except TestHung:
        details = traceback.format_exc()
    finally:
        seconds = time.monotonic() - started
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        multiprocessing.connection.wait = real_connection_wait
        end_children()
        gc.collect()
        shim.registry.reset()
    for _, error in result.failures + result.errors:
        details = details or error
    if details is not None:
        return 'fail', details + traced(started), seconds
    for _, reason in result.skipped:
        return 'n/a', f'skipped by the test: {reason}', seconds
    return 'pass', None, seconds


def run_test(cls, method, mode, heavy):
    name = f'{cls.__name__}.{method}'
    reason = lookup(NOT_APPLICABLE, name)
    modes, of_mode = lookup(NOT_APPLICABLE_IN, name, ((), None))
    if heavy and of_mode is HUNDRED:
        of_mode = None
    if reason is None and mode in modes:
        reason = of_mode
    if reason is not None:
        return 'n/a', reason, 0.0
    Settings.deadlock = 'ignore' if name in AS_SIGNALS else None
    Settings.signal = name in INTERRUPTED
    if name in SELF_DEADLOCK:
        return self_deadlock(cls, method, name)
    if name in DIFFERENT:
        return different(cls, method, name)
    return run_one(cls(method), name)


def different(cls, method, name):
    how, reason = DIFFERENT[name]
    outcome, details, seconds = run_one(cls(method), name)
    if outcome == 'fail' and re.search(how, details):
        return 'n/a', f'different, as said: {reason}', seconds
    return 'fail', f'was expected to be different ({reason}), and is not, or in another way: {outcome}\n{details}', seconds


def self_deadlock(cls, method, name):
    """The second taking throws a DeadlockError, unless the lock is free again by then; with 'ignore' the test passes."""
    seen = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda args: seen.append(str(args.exc_value))
    previous = support.SHORT_TIMEOUT
    # The test waits so long for what never comes.
    support.SHORT_TIMEOUT = 1.0
    try:
        outcome, details, _ = run_one(cls(method), name)
        seen.append(details or '')
    finally:
        sys.unraisablehook = hook
        support.SHORT_TIMEOUT = previous
    if outcome == 'fail' and not any('ERR_LOCKSTEP_DEADLOCK' in each for each in seen):
        return 'fail', f'failed, and not by a DeadlockError: {seen}', 0.0
    Settings.deadlock = 'ignore'
    try:
        return run_one(cls(method), name)
    finally:
        Settings.deadlock = None


def tests_of(cls):
    return unittest.defaultTestLoader.getTestCaseNames(cls)


def chosen(patterns):
    for cls in CLASSES.values():
        for method in tests_of(cls):
            name = f'{cls.__name__}.{method}'
            if not patterns or any(re.fullmatch(p, each) for p in patterns for each in (cls.__name__, name)):
                yield cls, method


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--mode', required=True)
    parser.add_argument('--report', required=True)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--repeat', type=int, default=1)
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('--trace', action='store_true')
    parser.add_argument('--heavy', action='store_true')
    parser.add_argument('patterns', nargs='*')
    args = parser.parse_args()
    Settings.mode = args.mode
    Settings.kinds = shim.MODES[args.mode]
    shim.registry.turn = args.seed
    if args.trace:
        Settings.trace = os.open(TRACE, os.O_CREAT | os.O_RDWR | os.O_APPEND)
    support.use_resources = ['walltime']
    support.verbose = test_threading.verbose = 0
    results = []
    for round_ in range(args.repeat):
        for cls, method in chosen(args.patterns):
            outcome, details, seconds = run_test(cls, method, args.mode, args.heavy)
            name = f'{cls.__name__}.{method}'
            results.append({'class': cls.__name__, 'test': method, 'outcome': outcome, 'details': details,
                            'seconds': round(seconds, 3)})
            if outcome == 'fail' or args.verbose:
                print(f'{args.mode}: {outcome:4} {seconds:6.2f} s  {name}', flush=True)
                if outcome == 'fail' or (details and args.verbose):
                    print('    ' + (details or '').rstrip().replace('\n', '\n    '), flush=True)
            with open(args.report, 'w') as file:
                json.dump({'results': results, 'requests': Settings.requests, 'callbacks': Settings.callbacks}, file)
    shim.registry.end()


if __name__ == '__main__':
    main()
