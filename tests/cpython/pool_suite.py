"""CPython's own tests of its pools, against Lockstep's: `pool_suite.py NODE POOLS [--verbose] [Class[.test] …]`.

The tests run here; their pools are in a Node program (pools.ts), which runs functions of the same names (pool-functions.ts). Items of sources
are asked for one by one, so Python's own generators are the sources. The last line is `N passed, M failed, K not applicable`.
"""

import multiprocessing
import multiprocessing.pool
import sys
import types
import unittest

from test import _test_multiprocessing as mp_tests

from pool_bridge import Bridge, Overlay, decode, encode, run

NODE, POOLS, *REST = sys.argv[1:]
VERBOSE = '--verbose' in REST
PATTERNS = [each for each in REST if not each.startswith('--')]
bridge = Bridge(NODE, POOLS)


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


if __name__ == '__main__':
    run(bridge, CLASSES, NOT_APPLICABLE, PATTERNS, VERBOSE)
