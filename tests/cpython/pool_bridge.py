"""What CPython's tests of pools and of executors share: the Node program with the pools (pools.ts), and how the tests are run."""

import base64
import builtins
import itertools
import json
import multiprocessing
import multiprocessing.pool
import pickle
import re
import subprocess
import sys
import threading
import traceback
import types
import unittest

WATCHDOG = 120


class Bridge:
    """The Node program."""

    def __init__(self, node, pools):
        self.program = subprocess.Popen([node, pools], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        result = Result(self, callback, error_callback)
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
    if isinstance(value, dict) and 'int' in value:
        return int(value['int'])
    if isinstance(value, dict) and 'pickle' in value:
        return pickle.loads(base64.b64decode(value['pickle']))
    return value


def python_error(bridge, e):
    if e.get('source') is not None:
        return bridge.sources[e['source']].error
    code = e.get('code')
    if code == 'ERR_LOCKSTEP_TIMED_OUT':
        return multiprocessing.TimeoutError(e['message'])
    if code == 'ERR_LOCKSTEP_NOT_SENDABLE':
        return multiprocessing.pool.MaybeEncodingError(e['message'], e['message'])
    if code in ('ERR_LOCKSTEP_CLOSED', 'ERR_LOCKSTEP_OUT_OF_RANGE', 'ERR_LOCKSTEP_STATE', 'ERR_LOCKSTEP_INVALID_TYPE'):
        return ValueError(e['message'])
    kind = getattr(builtins, e['name'], None)
    error = kind(e['message']) if isinstance(kind, type) else RuntimeError(f"{e['name']}: {e['message']}")
    return error


class Result:
    """An AsyncResult."""

    def __init__(self, bridge, callback, error_callback):
        self.bridge = bridge
        self.callback, self.error_callback = callback, error_callback
        self.event = threading.Event()
        self.message = None

    def answered(self, message):
        self.message = message
        if 'e' in message:
            self.error = python_error(self.bridge, message['e'])
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


class Overlay(types.ModuleType):
    """A module with other names in it."""

    def __init__(self, module, **names):
        super().__init__(module.__name__)
        self.__dict__.update(names, _overlaid=module)

    def __getattr__(self, name):
        return getattr(self.__dict__['_overlaid'], name)


def run(bridge, classes, reasons, patterns, verbose):
    """Runs the tests of the classes, and ends this program. `reasons`: why tests are left out, by a regular expression of their names."""
    counts = {'pass': 0, 'fail': 0, 'n/a': 0}

    def tell(outcome, name, text=''):
        counts[outcome] += 1
        if outcome != 'pass' or verbose:
            print(f'{outcome:4} {name}{": " if text else ""}{text}', flush=True)

    def hung():
        print('fail: a test hangs', flush=True)
        traceback.print_stack(sys._current_frames()[threading.main_thread().ident])
        bridge.program.kill()

    for cls in classes:
        methods = [m for m in unittest.defaultTestLoader.getTestCaseNames(cls)
                   if not patterns or any(re.fullmatch(p, e) for p in patterns for e in (cls.__name__, f'{cls.__name__}.{m}'))]
        if not methods:
            continue
        cls.setUpClass()
        for method in methods:
            name = f'{cls.__name__}.{method}'
            reason = next((reason for pattern, reason in reasons.items() if re.fullmatch(pattern, name)), None)
            if reason is not None:
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
    bridge.program.stdin.close()
    if bridge.program.wait(30) != 0:
        tell('fail', 'the Node program', f'ended with {bridge.program.returncode}')
    print(f"{counts['pass']} passed, {counts['fail']} failed, {counts['n/a']} not applicable")
    sys.exit(counts['fail'] > 0)
