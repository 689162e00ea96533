"""CPython's own tests of concurrent.futures, against Lockstep's pools: `futures_suite.py NODE POOLS [--verbose] [Class[.test] …]`.

An executor here is a pool of the Node program (pools.ts), `submit` is its `submit`, `map` its `imap`, `as_completed` its `asCompleted`. Functions are
named, and run as those of the same names in pool-functions.ts. The last line is `N passed, M failed, K not applicable`.
"""

import builtins
import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import pickle
import re
import sys
import threading
import time
import types
import unittest

from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

from test import support, test_concurrent_futures as tests

from pool_bridge import Bridge, Overlay, decode, encode, run

NODE, POOLS, *REST = sys.argv[1:]
VERBOSE = '--verbose' in REST
PATTERNS = [each for each in REST if not each.startswith('--')]
bridge = Bridge(NODE, POOLS)
# No times of the tests.
support.verbose = 0


def error_of(e):
    """The error that CPython has for one of Lockstep's."""
    code, message = e.get('code'), e['message']
    if e.get('cancelled'):
        return CancelledError(message)
    if code == 'ERR_LOCKSTEP_WORKER_DIED':
        # What `sys.exit` of a task is for CPython: an error of that task.
        return SystemExit(e['exitCode']) if e['exitCode'] >= 0 else BrokenProcessPool(message)
    if code == 'ERR_LOCKSTEP_POOL_BROKEN':
        return BrokenProcessPool(message)
    if code == 'ERR_LOCKSTEP_CLOSED':
        return RuntimeError(message)
    if code == 'ERR_LOCKSTEP_OUT_OF_RANGE':
        return ValueError(message)
    if code == 'ERR_LOCKSTEP_TIMED_OUT':
        return concurrent.futures.TimeoutError(re.sub(r'.*?(\d+) of (\d+) tasks have not ended.*', r'\1 (of \2) futures unfinished', message))
    if code == 'ERR_LOCKSTEP_NOT_SENDABLE' or e['name'] == 'PicklingError':
        return pickle.PicklingError(message)
    kind = getattr(builtins, e['name'], None)
    return kind(message) if isinstance(kind, type) else Exception(f"{e['name']}: {message}")


def argument(value):
    """Classes go by their names: a worker of Node has functions that do the same."""
    return {'class': value.__name__} if isinstance(value, type) else encode(value)


def result_of(answer, timeout=None):
    """The result of a request, or its error as CPython has it."""
    if not answer.event.wait(timeout):
        raise concurrent.futures.TimeoutError
    if 'e' in answer.message:
        raise error_of(answer.message['e'])
    value = decode(answer.message['r'])
    return tuple(value) if isinstance(value, list) else value


class Future:
    def __init__(self, number, answer):
        self.number, self.answer = number, answer

    def result(self, timeout=None):
        return result_of(self.answer, timeout)

    def exception(self, timeout=None):
        try:
            self.result(timeout)
        except (CancelledError, concurrent.futures.TimeoutError):
            raise
        except BaseException as error:
            return error

    def done(self):
        return self.answer.event.is_set()

    @property
    def _state(self):
        return 'FINISHED' if self.done() else 'PENDING'

    def cancelled(self):
        return self.done() and self.answer.message.get('e', {}).get('cancelled', False)

    def cancel(self):
        return bridge.ask('cancel', t=self.number).get()


class Worker:
    def __init__(self, pid):
        self.pid = pid

    def join(self):
        while os.path.exists(f'/proc/{self.pid}/stat') and open(f'/proc/{self.pid}/stat').read().rsplit(')')[1].split()[0] != 'Z':
            time.sleep(0.01)

    def terminate(self):
        os.kill(self.pid, 15)


class Executor:
    kind = 'Pool'

    def __init__(self, max_workers=None, mp_context=None, initializer=None, initargs=(), max_tasks_per_child=None):
        options = {'processes': max_workers}
        if initializer is not None:
            options.update(initializer=initializer.__name__, initArgs=[argument(each) for each in initargs])
        if max_tasks_per_child is not None:
            options['maxTasksPerChild'] = max_tasks_per_child
        self.number = result_of(bridge.ask('make', kind=self.kind, options=options))

    def submit(self, fn, /, *args, **names):
        # JavaScript has no names of arguments; the functions have the same order.
        args = [*args, *names.values()]
        number = next(bridge.numbers)
        self.refuse_if_over()
        return Future(number, bridge.ask('submit', p=self.number, f=fn.__name__, a=[argument(each) for each in args], t=number))

    def map(self, fn, *iterables, timeout=None, chunksize=1):
        end = None if timeout is None else time.monotonic() + timeout
        source = bridge.source([fn.__name__, *map(argument, args)] for args in zip(*iterables))
        return self.results(result_of(bridge.ask('calls', p=self.number, source=source, chunkSize=chunksize)), end)

    def results(self, number, end):
        for _ in itertools.count():
            fields = {} if end is None else {'timeout': max(0, (end - time.monotonic()) * 1000)}
            got = bridge.ask('next', it=number, **fields)
            got.event.wait()
            if 'e' in got.message:
                raise error_of(got.message['e'])
            if got.message['r'].get('done'):
                return
            value = decode(got.message['r'].get('value'))
            yield tuple(value) if isinstance(value, list) else value

    def refuse_if_over(self):
        how = bridge.ask('state', p=self.number).get()
        if how == 'broken':
            raise BrokenProcessPool('the pool is broken')
        if how == 'closed':
            raise RuntimeError('cannot schedule new futures after shutdown')

    def shutdown(self, wait=True, *, cancel_futures=False):
        bridge.ask('shutdown', p=self.number, cancel=cancel_futures).get()
        if wait:
            bridge.ask('join', p=self.number).get()

    @property
    def _broken(self):
        return bridge.ask('state', p=self.number).get() == 'broken'

    @property
    def _processes(self):
        return {pid: Worker(pid) for pid in bridge.ask('workers', p=self.number).get()}

    @property
    def _threads(self):
        return [types.SimpleNamespace(join=lambda: None) for _ in bridge.ask('workers', p=self.number).get()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()


class ThreadExecutor(Executor):
    kind = 'ThreadPool'


def as_completed(futures, timeout=None):
    fields = {} if timeout is None else {'timeout': timeout * 1000}
    futures = list(futures)
    by_key = {}
    for each in futures:
        # Futures that CPython's tests have made by hand have ended, or never will.
        ended = not isinstance(each, Future) and each.done()
        by_key[each.number if isinstance(each, Future) else f'{"ended" if ended else "never"} {id(each)}'] = each
    number = bridge.ask('completed', tasks=list(by_key), **fields).get()
    while True:
        got = result_of(bridge.ask('next', it=number))
        if got.get('done'):
            return
        yield by_key[got['value']]


tests.futures = Overlay(
    concurrent.futures, ProcessPoolExecutor=Executor, ThreadPoolExecutor=ThreadExecutor, as_completed=as_completed)


class Mixin(tests.ExecutorMixin):
    def get_context(self):
        return multiprocessing.get_context('spawn')


class Processes(Mixin):
    executor_type = Executor


class Threads(Mixin):
    executor_type = ThreadExecutor


def group(name, base, mixin, **names):
    return type(name, (base, mixin, unittest.TestCase), {'__module__': __name__, **names})


def both(name, base, of_threads=None, of_processes=None, **names):
    return [
        group(f'Threads{name}', of_threads or base, Threads, **names),
        group(f'Processes{name}', of_processes or base, Processes, **names),
    ]


def unmixed(cls):
    """The tests of CPython's class of threads, without its executor."""
    return type(cls.__name__, tuple(base for base in cls.__bases__ if base not in (tests.ThreadPoolMixin, tests.BaseTestCase)), dict(vars(cls)))


CLASSES = [
    *both('InitializerTest', tests.InitializerMixin),
    *both('FailingInitializerTest', tests.FailingInitializerMixin, _assert_logged=lambda self, message: contextlib.nullcontext()),
    *both('ShutdownTest', None, unmixed(tests.ThreadPoolShutdownTest), tests.ProcessPoolShutdownTest),
    *both('WaitTest', None, unmixed(tests.ThreadPoolWaitTests), tests.WaitTests),
    *both('AsCompletedTest', tests.AsCompletedTests),
    *both('ExecutorTest', None, unmixed(tests.ThreadPoolExecutorTest), tests.ProcessPoolExecutorTest),
    group('ProcessesDeadlockTest', tests.ExecutorDeadlockTest, Processes),
    tests.FutureTests,
]
PRIVATE = "looks at private parts of CPython's executor"
CLOSURE = 'runs a function, or waits for an object, that only this Python process has'
REFERENCES = 'weak references to the objects themselves: what comes out is a copy'
NOT_APPLICABLE = {
    r'FutureTests\..*': 'a Future that is made and completed by hand: a task is a promise, which only its pool settles (S235)',
    r'.*WaitTest\..*': 'futures.wait: Promise.race, Promise.all and Promise.allSettled of JavaScript, no code of Lockstep',
    r'.*\.test_(interpreter_shutdown|submit_after_interpreter_shutdown|hang_gh83386)': 'runs a Python program with the real executor (S249)',
    r'.*\.test_(del_shutdown|no_stale_references|ressources_gced_in_workers)': REFERENCES,
    r'.*\.test_free_reference(_yielded_future)?': REFERENCES,
    r'.*ShutdownTest\.test_shutdown_no_wait': 'reads results of map after the end: imap begins no more than is read, and ends with its pool',
    r'ThreadsShutdownTest\.test_(threads_terminate|cancel_futures_wait_false|thread_names_assigned|thread_names_default)': CLOSURE,
    r'ProcessesShutdownTest\.test_processes_terminate': CLOSURE,
    r'ThreadsExecutorTest\.test_(map_submits_without_iteration|hang_global_shutdown_lock|executor_map_current_future_cancel)': CLOSURE,
    r'.*\.test_saturation': CLOSURE,
    r'.*\.test_submit_keyword': 'JavaScript has no keyword arguments',
    r'.*\.test_max_workers_negative': 'a pool with no workers runs its tasks in the program itself; fewer are refused (Q193)',
    r'.*\.test_(default_workers|idle_thread_reuse|idle_process_reuse_one|idle_process_reuse_multiple)':
        'a pool starts all its workers at once, as many as processors; { min, max } is another option',
    r'.*\.test_max_tasks_per_child_defaults_to_spawn_context': PRIVATE,
    r'.*\.test_killed_child': 'the death of a worker costs its task alone, and the pool goes on (deliberate: S243)',
    r'.*\.test_traceback': "compares the text of Python's traceback; Lockstep's stack of the worker: conformance/pool (Q196)",
    r'.*DeadlockTest\.test_(exit|error|crash)_at_task_unpickle': 'no code of the program runs where arguments are decoded',
    r'.*DeadlockTest\.test_(error|exit)_during_result_unpickle_in_result_handler': 'no code of the program runs where results are decoded',
    r'.*DeadlockTest\.test_(error_at_task_pickle|shutdown_deadlock_pickle)': "Python's own pickle refuses the argument; S246: conformance/pool-executor",
}

if __name__ == '__main__':
    run(bridge, CLASSES, NOT_APPLICABLE, PATTERNS, VERBOSE)
