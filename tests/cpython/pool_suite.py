"""CPython's own tests of its pools, against Lockstep's: `pool_suite.py NODE POOLS [--verbose] [Class[.test] …]`.

The tests run here; their pools are in a Node program (pools.ts), which runs functions of the same names (pool-functions.ts). Items of sources
are asked for one by one, so Python's own generators are the sources. The last line is `N passed, M failed, K not applicable`.
"""

import base64
import itertools
import json
import pickle
import re
import subprocess
import sys
import threading
import time
import traceback
import types
import unittest

import multiprocessing
import multiprocessing.pool

from test import support
from test import _test_multiprocessing as mp_tests

NODE, POOLS, *REST = sys.argv[1:]
VERBOSE = '--verbose' in REST
PATTERNS = [each for each in REST if not each.startswith('--')]
WATCHDOG = 120


class Bridge:
    """The Node program."""

    def __init__(self):
        self.program = subprocess.Popen([NODE, POOLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.waiting = {}
        self.sources = {}
        threading.Thread(target=self.read, daemon=True).start()

    def send(self, message):
        with self.lock:
            self.program.stdin.write(json.dumps(message) + '\n')
            self.program.stdin.flush()

    def read(self):
        for line in self.program.stdout:
            message = json.loads(line)
            if 'pull' in message:
                self.give(message)
            else:
                self.waiting.pop(message['i']).answered(message)

    def give(self, message):
        source = self.sources[message['pull']]
        try:
            answer = {'item': encode(next(source.iterator))}
        except StopIteration:
            answer = {'end': True}
        except BaseException as error:
            source.error = error
            answer = {'failed': True}
        self.send({'i': message['i'], **answer})

    def ask(self, op, callback=None, error_callback=None, **fields):
        result = Result(callback, error_callback)
        number = next(self.numbers)
        self.waiting[number] = result
        self.send({'i': number, 'o': op, **fields})
        return result

    def source(self, iterable):
        number = next(self.numbers)
        self.sources[number] = types.SimpleNamespace(iterator=iter(iterable), error=None)
        return number


def encode(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    return {'pickle': base64.b64encode(pickle.dumps(value)).decode()}


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if isinstance(value, dict) and 'pickle' in value:
        return pickle.loads(base64.b64decode(value['pickle']))
    return value


def python_error(e):
    if e.get('source') is not None:
        return bridge.sources[e['source']].error
    code = e.get('code')
    if code == 'ERR_LOCKSTEP_TIMED_OUT':
        return multiprocessing.TimeoutError(e['message'])
    if code == 'ERR_LOCKSTEP_NOT_SENDABLE':
        return multiprocessing.pool.MaybeEncodingError(e['message'], e['message'])
    if code in ('ERR_LOCKSTEP_CLOSED', 'ERR_LOCKSTEP_OUT_OF_RANGE', 'ERR_LOCKSTEP_STATE', 'ERR_LOCKSTEP_INVALID_TYPE'):
        return ValueError(e['message'])
    kind = getattr(__builtins__, e['name'], None)
    error = kind(e['message']) if isinstance(kind, type) else RuntimeError(f"{e['name']}: {e['message']}")
    return error


class Result:
    """An AsyncResult."""

    def __init__(self, callback, error_callback):
        self.callback, self.error_callback = callback, error_callback
        self.event = threading.Event()
        self.message = None

    def answered(self, message):
        self.message = message
        if 'e' in message:
            self.error = python_error(message['e'])
            if self.error_callback:
                self.error_callback(self.error)
        else:
            self.value = decode(message['r'])
            if self.callback:
                self.callback(self.value)
        self.event.set()

    def wait(self, timeout=None):
        self.event.wait(timeout)

    def ready(self):
        return self.event.is_set()

    def successful(self):
        if not self.ready():
            raise ValueError(f'{self!r} not ready')
        return 'e' not in self.message

    def get(self, timeout=None):
        if not self.event.wait(timeout):
            raise multiprocessing.TimeoutError
        if 'e' in self.message:
            raise self.error
        return self.value


class Iterator:
    def __init__(self, number):
        self.number = number

    def __iter__(self):
        return self

    def next(self, timeout=None):
        fields = {} if timeout is None else {'timeout': timeout * 1000}
        got = bridge.ask('next', it=self.number, **fields).get()
        if got.get('done'):
            raise StopIteration
        return decode(got.get('value'))

    __next__ = next


class Pool:
    kind = 'Pool'

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None):
        options = {'processes': 2 if processes is None else processes}
        # Python refuses a pool without workers; Lockstep's runs its tasks in the program itself.
        if processes == 0:
            raise ValueError('Number of processes must be at least 1')
        if maxtasksperchild is not None:
            options['maxTasksPerChild'] = maxtasksperchild
        self.number = bridge.ask('make', kind=self.kind, options=options).get()
        self.running = True

    @property
    def _pool(self):
        workers = bridge.ask('workers', p=self.number).get()
        return [types.SimpleNamespace(pid=pid, is_alive=lambda: True) for pid in workers]

    def _repopulate_pool(self):
        pass

    def apply(self, fn, args=(), kwds={}):
        return self.apply_async(fn, args, kwds).get()

    def apply_async(self, fn, args=(), kwds={}, callback=None, error_callback=None):
        # Tests pass the first argument by its name only, and an event that is None.
        args = [each for each in [*args, *kwds.values()] if each is not None]
        return self.ask('apply', fn, callback, error_callback, a=encode(args))

    def map(self, fn, items, chunksize=None):
        return self.map_async(fn, items, chunksize).get()

    def map_async(self, fn, items, chunksize=None, callback=None, error_callback=None):
        return self.many('map', fn, items, chunksize, callback, error_callback)

    def starmap(self, fn, items, chunksize=None):
        return self.starmap_async(fn, items, chunksize).get()

    def starmap_async(self, fn, items, chunksize=None, callback=None, error_callback=None):
        return self.many('starmap', fn, items, chunksize, callback, error_callback)

    def imap(self, fn, items, chunksize=1):
        return Iterator(self.many('imap', fn, items, chunksize).get())

    def imap_unordered(self, fn, items, chunksize=1):
        return Iterator(self.many('imapUnordered', fn, items, chunksize).get())

    def many(self, op, fn, items, chunksize, callback=None, error_callback=None):
        fields = {} if chunksize is None else {'chunkSize': chunksize}
        return self.ask(op, fn, callback, error_callback, source=bridge.source(items), **fields)

    def ask(self, op, fn, callback=None, error_callback=None, **fields):
        if not self.running:
            raise ValueError('Pool not running')
        return bridge.ask(op, callback, error_callback, p=self.number, f=fn.__name__, **fields)

    def close(self):
        self.running = False
        bridge.ask('close', p=self.number).get()

    def terminate(self):
        self.running = False
        bridge.ask('terminate', p=self.number).get()

    def join(self):
        bridge.ask('join', p=self.number).get()

    def __enter__(self):
        if not self.running:
            raise ValueError('Pool not running')
        return self

    def __exit__(self, *_):
        self.terminate()


class ThreadPool(Pool):
    kind = 'ThreadPool'


class Overlay(types.ModuleType):
    def __init__(self, module, **names):
        super().__init__(module.__name__)
        self.__dict__.update(names, _overlaid=module)

    def __getattr__(self, name):
        return getattr(self.__dict__['_overlaid'], name)


mp_tests.multiprocessing = Overlay(multiprocessing, Pool=Pool)


def group(name, base, kind, pool):
    def set_up(cls):
        if base is mp_tests._TestPool:
            cls.pool = cls.Pool(4)

    return type(name, (base, unittest.TestCase), {'TYPE': kind, 'Pool': pool, '__module__': __name__, 'setUpClass': classmethod(set_up)})


CLASSES = [
    group('WithProcessesTestPool', mp_tests._TestPool, 'processes', Pool),
    group('WithThreadsTestPool', mp_tests._TestPool, 'threads', ThreadPool),
    group('TestPoolWorkerErrors', mp_tests._TestPoolWorkerErrors, 'processes', Pool),
    group('TestPoolWorkerLifetime', mp_tests._TestPoolWorkerLifetime, 'processes', Pool),
]
CHUNK = 'ends at the chunk in which the source failed; Lockstep gives the results of all items before (deliberate: conformance/pool-map, Q198)'
NOT_APPLICABLE = {
    r'.*\.test_release_task_refs': 'weak references to the items themselves: what comes out is a copy',
    r'.*\.test_resource_warning': 'sets a private attribute of CPython\'s pool',
    r'.*\.test_traceback': 'compares the text of Python\'s traceback; Lockstep\'s stack of the worker: conformance/pool (Q196)',
    r'.*\.test_worker_finalization_via_atexit_handler_of_multiprocessing': 'runs a Python program with the real multiprocessing',
    r'.*\.test_imap_handle_iterable_exception': CHUNK,
    r'WithThreadsTestPool\.test_async_timeout': 'passes an event of Python to the task',
}
FUTURES = 'the Future is a promise here: conformance/pool-executor has the cases S232 to S249 by name'


def reason_for(name):
    return next((reason for pattern, reason in NOT_APPLICABLE.items() if re.fullmatch(pattern, name)), None)


def main():
    counts = {'pass': 0, 'fail': 0, 'n/a': 0}

    def tell(outcome, name, text=''):
        counts[outcome] += 1
        if outcome != 'pass' or VERBOSE:
            print(f'{outcome:4} {name}{": " if text else ""}{text}', flush=True)

    def hung():
        print('fail: a test hangs', flush=True)
        traceback.print_stack(sys._current_frames()[threading.main_thread().ident])
        bridge.program.kill()

    for cls in CLASSES:
        methods = [m for m in unittest.defaultTestLoader.getTestCaseNames(cls)
                   if not PATTERNS or any(re.fullmatch(p, e) for p in PATTERNS for e in (cls.__name__, f'{cls.__name__}.{m}'))]
        if not methods:
            continue
        cls.setUpClass()
        for method in methods:
            name = f'{cls.__name__}.{method}'
            if (reason := reason_for(name)) is not None:
                tell('n/a', name, reason)
                continue
            result = unittest.TestResult()
            timer = threading.Timer(WATCHDOG, hung)
            timer.start()
            cls(method).run(result)
            timer.cancel()
            problems = result.failures + result.errors
            if problems:
                tell('fail', name, '\n' + problems[0][1])
            elif result.skipped:
                tell('n/a', name, result.skipped[0][1])
            else:
                tell('pass', name)
        if hasattr(cls, 'pool'):
            cls.pool.terminate()
            cls.pool.join()
    if not PATTERNS:
        tell('n/a', 'test_concurrent_futures', FUTURES)
    bridge.program.stdin.close()
    if bridge.program.wait(30) != 0:
        tell('fail', 'the Node program', f'ended with {bridge.program.returncode}')
    print(f"{counts['pass']} passed, {counts['fail']} failed, {counts['n/a']} not applicable")
    sys.exit(counts['fail'] > 0)


bridge = Bridge()
if __name__ == '__main__':
    main()
