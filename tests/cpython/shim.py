"""Python's synchronization classes, carried out by Lockstep.

Every Python thread that touches an object is bound to an agent of its own: a Lockstep process, a Lockstep thread, or an asynchronous flow
(one connection) of a Lockstep process. An object travels between them as its handle. See README.md for what is mapped to what.
"""

import base64
import json
import math
import os
import pickle
import queue
import random
import socket
import threading
import time
from _thread import TIMEOUT_MAX, allocate_lock

import multiprocessing
import multiprocessing.connection
import multiprocessing.context
import multiprocessing.dummy

DIR = os.environ.get('CPYTHON_DIR', '')

# What a mode is: where a thread's agent lives, and which calls it makes. A thread gets the next kind in the list.
MODES = {
    'sync': [('process', 'sync')],
    'await': [('process', 'await')],
    'async': [('flow', 'await')],
    'thread': [('thread', 'sync')],
    'mixed': [('process', 'sync'), ('flow', 'await'), ('thread', 'sync'), ('process', 'await'), ('thread', 'await')],
}


class Settings:
    """Chosen by the runner for each test."""
    mode = 'sync'
    kinds = MODES['sync']
    # What `deadlock` says of new locks; None leaves it out.
    deadlock = None
    # Whether awaiting calls get an AbortSignal, so that a KeyboardInterrupt can give them up.
    signal = False
    # Counted for the report.
    requests = 0
    callbacks = 0
    # An agent has died or was ended in this test: only then may a lock say that its holder died.
    agents_ended = 0
    recovered = 0
    # With --trace: a file of what was asked, when, and what came back, in all Python processes.
    trace = None


#
# Agents
#

class LockstepError(Exception):
    """An error of Lockstep that has no counterpart in Python's classes."""


class AgentGone(Exception):
    """The agent's end of the connection has gone: it crashed, or was ended."""


def hub(**message):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f'{DIR}/hub')
        s.sendall((json.dumps(message) + '\n').encode())
        answer = b''
        while not answer.endswith(b'\n'):
            chunk = s.recv(4096)
            if not chunk:
                raise AgentGone('the hub is gone')
            answer += chunk
    return json.loads(answer)


def free(placement):
    return os.listdir(f'{DIR}/free-{placement}')


def claim(placement):
    """Takes a free agent for this process: its name."""
    deadline = time.monotonic() + 60
    asked = 0.0
    while time.monotonic() < deadline:
        for name in free(placement):
            try:
                os.rename(f'{DIR}/free-{placement}/{name}', f'{DIR}/taken/{name}')
                return name
            except FileNotFoundError:
                continue
        if time.monotonic() - asked > 0.2:
            hub(want={placement: 4})
            asked = time.monotonic()
        time.sleep(0.005)
    raise AgentGone(f'no agent for 60 seconds ({placement})')


def trace(at, sign, who, what, outcome=''):
    os.write(Settings.trace, f'{at:.6f} {sign} {os.getpid():7} {who!r:26} {what} {outcome}\n'.encode())


class Agent:
    """One connection to an agent: what stands for one Python thread."""
    numbers = iter(range(1, 1 << 62))

    def __init__(self, placement, calls, name):
        self.placement, self.calls, self.name = placement, calls, name
        self.number = f'{os.getpid()}-{next(Agent.numbers)}'
        self.path = f'{DIR}/fifo/{name}.{self.number}'
        os.mkfifo(self.path)
        self.fifo = os.open(self.path, os.O_RDWR)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f'{DIR}/taken/{name}')
        self.buffer = b''
        self.count = 0
        self.depth = 0
        self.busy = False
        self.broken = False
        self.closed = False
        # What this agent holds, so that it is not given to another thread before: handle -> times.
        self.held = {}
        # Ends of pipes that the thread has closed.
        self.ends_closed = set()
        hello = self.request('hello', number=self.number, calls=calls)
        self.pid, self.thread = hello

    def __repr__(self):
        return f'<{self.calls} {self.placement} {self.name}>'

    def request(self, op, callback=None, **fields):
        self.count += 1
        message = {'i': self.count, 'o': op, **fields}
        if Settings.signal and self.calls == 'await':
            message['s'] = True
        Settings.requests += 1
        if Settings.trace is None:
            return self._exchange(message, callback)
        what = ' '.join(str(fields[key])[-24:] for key in ('k', 'm', 'a', 't', 'block', 'h') if key in fields)
        began = time.monotonic()
        trace(began, '>', self, f'{op} {what}')
        outcome = '?'
        try:
            result = self._exchange(message, callback)
            outcome = f'-> {result!r}'
            return result
        except BaseException as error:
            outcome = f'!! {getattr(error, "code", type(error).__name__)}'
            raise
        finally:
            answered = getattr(self, 'answered', began)
            trace(time.monotonic(), '<', self, f'{op} {what}', f'{outcome[:60]} (answered {(answered - began) * 1000:.2f} ms after it was asked)')

    def _exchange(self, message, callback):
        number = message['i']
        nested = self.depth > 0
        if nested:
            self._answer({'q': message})
        else:
            self.busy = True
            self.socket.sendall((json.dumps(message) + '\n').encode())
        interrupted = None
        raised = None
        try:
            while True:
                try:
                    answer = self._read()
                except KeyboardInterrupt as error:
                    if nested or self.calls != 'await' or interrupted is not None:
                        raise
                    interrupted = error
                    self.socket.sendall((json.dumps({'x': number}) + '\n').encode())
                    continue
                if 'c' in answer:
                    Settings.callbacks += 1
                    self.depth += 1
                    try:
                        reply = {'v': bool(callback(answer['c']))}
                    except Exception as error:
                        raised = error
                        reply = {'failed': True}
                    finally:
                        self.depth -= 1
                    self._answer(reply)
                    continue
                break
        except BaseException:
            # In the middle of a request: nobody can know what the agent is doing.
            self.broken = True
            raise
        if not nested:
            self.busy = False
        assert answer['i'] == number, (answer, number)
        self.answered = answer['w']
        if interrupted is not None:
            raise interrupted
        if 'e' in answer:
            if raised is not None:
                raise raised
            raise Thrown(answer['e'])
        return answer['r']

    def _answer(self, message):
        os.write(self.fifo, (json.dumps(message) + '\n').encode())

    def _read(self):
        while b'\n' not in self.buffer:
            chunk = self.socket.recv(1 << 20)
            if not chunk:
                raise AgentGone(f'{self} has ended')
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b'\n', 1)
        return json.loads(line)

    def holds(self, key):
        self.held[key] = self.held.get(key, 0) + 1

    def released(self, key, n=1):
        left = self.held.get(key, 0) - n
        if left > 0:
            self.held[key] = left
        else:
            self.held.pop(key, None)

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.socket.close()
        os.close(self.fifo)
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass


class Thrown(Exception):
    """What Lockstep threw, before it is mapped to Python's."""

    def __init__(self, told):
        super().__init__(told['message'])
        self.told = told
        self.code = told['code'] or told['name']


class Registry:
    """The agents of this Python process."""

    def __init__(self):
        self.lock = allocate_lock()
        self.agents = []
        self.idle = {}
        self.parked = []
        # The process in which the flows of this Python process run, and the connection that keeps it.
        self.host = None
        self.turn = 0

    def assign(self):
        """An agent for a thread that has none."""
        with self.lock:
            placement, calls = Settings.kinds[self.turn % len(Settings.kinds)]
            self.turn += 1
            idle = self.idle.get((placement, calls))
            if idle:
                return idle.pop()
        if placement == 'flow':
            with self.lock:
                if self.host is None:
                    self.host = Agent('flow', 'await', claim('flow'))
            agent = Agent('flow', calls, self.host.name)
        else:
            agent = Agent(placement, calls, claim(placement))
        with self.lock:
            self.agents.append(agent)
        return agent

    def retire(self, agent):
        """The thread of the agent has ended. What it holds it goes on holding, as in Python; otherwise another thread may have it."""
        with self.lock:
            if agent.closed:
                return
            agent.ends_closed.clear()
            if agent.placement == 'flow' and not agent.busy:
                agent.close()
                self.agents.remove(agent)
            elif agent.held or agent.broken or agent.busy:
                self.parked.append(agent)
            else:
                self.idle.setdefault((agent.placement, agent.calls), []).append(agent)

    def discard(self, agent):
        """Ends an agent, whatever it is doing."""
        Settings.agents_ended += 1
        if agent in self.agents:
            self.agents.remove(agent)
        for each in self.idle.values():
            if agent in each:
                each.remove(agent)
        if agent.busy or agent.broken:
            hub(kill=agent.name)
            if self.host is not None and self.host.name == agent.name:
                self.host.close()
                self.host = None
        agent.close()

    def reset(self):
        """Between two tests: ends the agents that hold or wait for something, closes all objects in the others."""
        own = getattr(local, 'ref', None)
        with self.lock:
            for agent in list(self.agents):
                mine = own is not None and own.agent is agent
                if agent.broken or agent in self.parked or (agent.busy and not mine):
                    self.discard(agent)
                    if mine:
                        local.ref = None
            self.parked.clear()
            rest = list(self.agents)
            if self.host is not None:
                rest.append(self.host)
            for agent in rest:
                agent.held.clear()
                agent.ends_closed.clear()
                try:
                    agent.request('reset')
                except (AgentGone, OSError):
                    agent.broken = True
                    self.discard(agent)
                    if own is not None and own.agent is agent:
                        local.ref = None

    def finish(self):
        """At the end of a child process: waits until its agents have ended, too, and have left what they held."""
        all_ = self.agents + ([self.host] if self.host else [])
        for agent in all_:
            if not agent.closed and not agent.busy:
                agent.socket.shutdown(socket.SHUT_WR)
                agent.socket.settimeout(10)
        for agent in all_:
            if not agent.closed and not agent.busy:
                while agent.socket.recv(4096):
                    pass

    def end(self):
        with self.lock:
            for agent in self.agents + ([self.host] if self.host else []):
                agent.close()
            self.agents.clear()
            self.idle.clear()
            self.parked.clear()
            self.host = None
        local.ref = None


class AgentRef:
    """Kept by a thread: dies with it."""

    def __init__(self, agent):
        self.agent = agent
        self.registry = registry

    def __del__(self):
        if self.registry is registry:
            registry.retire(self.agent)


registry = Registry()
local = threading.local()


def agent():
    ref = getattr(local, 'ref', None)
    if ref is not None and ref.agent.broken:
        local.ref = ref = None
    if ref is None:
        local.ref = ref = AgentRef(registry.assign())
    return ref.agent


def _forked():
    """In a child: the parent's connections are the parent's."""
    global registry, local
    inherited = registry
    registry = Registry()
    registry.turn = inherited.turn + random.randrange(8)
    local = threading.local()
    Agent.numbers = iter(range(1, 1 << 62))
    for each in inherited.agents + ([inherited.host] if inherited.host else []):
        if each.closed:
            continue
        each.closed = True
        os.close(each.socket.detach())
        os.close(each.fifo)


os.register_at_fork(after_in_child=_forked)


#
# Values
#

SAFE = 2 ** 53 - 1


def encode(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Shared):
        return {'$h': value._handle}
    kind = type(value)
    if kind is int:
        return value if -SAFE <= value <= SAFE else {'$n': str(value)}
    if kind is float:
        if math.isfinite(value):
            return value
        return {'$f': 'nan' if math.isnan(value) else 'inf' if value > 0 else '-inf'}
    if kind is bytes:
        return {'$b': base64.b64encode(value).decode()}
    if kind is list:
        return [encode(each) for each in value]
    if kind is tuple:
        return {'$t': [encode(each) for each in value]}
    if kind is dict:
        return {'$d': [[encode(k), encode(v)] for k, v in value.items()]}
    if kind in (set, frozenset):
        return {'$s': [encode(each) for each in value]}
    return {'$p': base64.b64encode(pickle.dumps(value)).decode()}


def decode(value):
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    key, content = next(iter(value.items()))
    if key == '$n':
        return int(content)
    if key == '$f':
        return float(content)
    if key == '$b':
        return base64.b64decode(content)
    if key == '$t':
        return tuple(decode(each) for each in content)
    if key == '$d':
        return {decode(k): decode(v) for k, v in content}
    if key == '$s':
        return {decode(each) for each in content}
    if key == '$p':
        return pickle.loads(base64.b64decode(content))
    if key == '$h':
        return CLASSES[value['class']]._from(content)
    raise ValueError(value)


def number(value):
    """Python's False and True are numbers, JavaScript's are none."""
    return encode(int(value) if isinstance(value, bool) else value)


def milliseconds(seconds):
    return None if seconds is None else seconds * 1000


#
# Shared objects
#

class Shared:
    """Something that Lockstep shares. Two are equal that stand for the same object."""

    # Lockstep's code -> Python's error.
    ERRORS = {}
    COMMON = {
        'ERR_LOCKSTEP_NOT_LOCKED': RuntimeError,
        'ERR_LOCKSTEP_NOT_OWNER': RuntimeError,
        'ERR_LOCKSTEP_OVER_RELEASE': ValueError,
        'ERR_LOCKSTEP_BROKEN_BARRIER': threading.BrokenBarrierError,
        'ERR_LOCKSTEP_OUT_OF_RANGE': ValueError,
        'ERR_LOCKSTEP_INVALID_TYPE': TypeError,
        'ERR_LOCKSTEP_CLOSED': ValueError,
        'ERR_LOCKSTEP_QUEUE_FULL': queue.Full,
        'ERR_LOCKSTEP_QUEUE_EMPTY': queue.Empty,
    }

    @classmethod
    def _from(cls, handle):
        made = object.__new__(cls)
        made._handle = handle
        made._opened()
        return made

    def _opened(self):
        pass

    def __eq__(self, other):
        return isinstance(other, Shared) and self._handle == other._handle

    def __hash__(self):
        return hash(self._handle)

    def __reduce__(self):
        return _rebuild, (type(self), {k: v for k, v in self.__dict__.items() if k != '_action_error'})

    @classmethod
    def _mapped(cls, error):
        for errors in (cls.ERRORS, Shared.COMMON):
            if error.code in errors:
                text = 'is closed: ' if error.code == 'ERR_LOCKSTEP_CLOSED' else ''
                return errors[error.code](f'{text}{error} [{error.code}]')
        return LockstepError(f'{error} [{error.code}]\n{error.told["stack"]}')

    @classmethod
    def _request(cls, op, callback=None, **fields):
        try:
            return agent().request(op, callback, **fields)
        except Thrown as error:
            raise cls._mapped(error) from None

    @classmethod
    def _make(cls, kind, **fields):
        return cls._request('new', k=kind, **fields)['$h']

    def _get(self, name):
        return decode(self._request('get', h=self._handle, m=name))

    def _do(self, name, *args):
        return decode(self._request('do', h=self._handle, m=name, a=[encode(each) for each in args]))

    def _wait(self, name, *args, timeout=None):
        a = [encode(each) for each in args]
        return decode(self._request('wait', h=self._handle, m=name, a=a, t=milliseconds(timeout)))

    def _open(self):
        self._request('open', h=self._handle)

    def _describe(self):
        return json.loads(self._request('describe', h=self._handle))

    def _at(self):
        return f'{type(self).__module__}.{type(self).__qualname__} object at {id(self):#x}'


def _rebuild(cls, state):
    made = object.__new__(cls)
    made.__dict__.update(state)
    return made


def took(answer, key):
    """What an acquire gave, noted with the agent that has it now."""
    if answer == 0:
        return False
    if key is not None:
        agent().holds(key)
    if answer == 2:
        Settings.recovered += 1
        if Settings.agents_ended == 0:
            raise AssertionError('recovered is true, and nobody has died')
    return True


def check_lock_timeout(blocking, timeout):
    """As CPython's lock_acquire_parse_args."""
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return None
    if timeout == -1:
        return None
    if timeout < 0:
        raise ValueError('timeout value must be a non-negative number')
    if timeout > TIMEOUT_MAX:
        raise OverflowError('timeout value is too large')
    return timeout


class _Taking(Shared):
    """What can be acquired and released."""

    @property
    def _key(self):
        return self._handle

    def _acquire(self, blocking, timeout):
        fields = {}
        if not blocking:
            fields['block'] = False
        elif timeout is not None:
            fields['t'] = milliseconds(timeout)
        return took(self._request('acquire', h=self._handle, **fields), self._key)

    def acquire(self, blocking=True, timeout=-1):
        return self._acquire(blocking, check_lock_timeout(blocking, timeout))

    def release(self):
        self._do('release')
        agent().released(self._key)

    def __enter__(self):
        self.acquire()
        return True

    def __exit__(self, *_):
        self.release()


class _AnyLock(_Taking):
    def __init__(self, **_):
        options = {} if Settings.deadlock is None else {'options': {'deadlock': Settings.deadlock}}
        self._handle = self._make(self.KIND, **options)

    def locked(self):
        return self._get('locked')

    def __repr__(self):
        return f'<{"locked" if self.locked() else "unlocked"} {self._at()}>'


class Lock(_AnyLock):
    KIND = 'Lock'


class _Reentrant(_Taking):
    def _is_owned(self):
        return self._get('owned')

    def _recursion_count(self):
        return self._get('depth') if self._is_owned() else 0

    def _release_save(self):
        depth = max(1, self._recursion_count())
        for _ in range(depth):
            self.release()
        return depth

    def _acquire_restore(self, depth):
        for _ in range(depth):
            self.acquire()


class RLock(_AnyLock, _Reentrant):
    KIND = 'RLock'


class Condition(_Taking):
    def __init__(self, lock=None):
        self._handle = self._make('Condition', lock=None if lock is None else lock._handle)
        self._opened()
        if lock is not None:
            assert self._lock == lock, (self._lock._handle, lock._handle)
            self._lock = lock

    def _opened(self):
        answer = self._request('lock', h=self._handle)
        self._lock = CLASSES[answer['class']]._from(answer['$h'])

    @property
    def _key(self):
        return self._lock._handle

    def wait(self, timeout=None):
        return self._wait('wait', timeout=timeout)

    def wait_for(self, predicate, timeout=None):
        last = None

        def ask(_):
            nonlocal last
            last = predicate()
            return last

        answer = self._request('waitFor', ask, h=self._handle, t=milliseconds(timeout))
        assert answer == bool(last), (answer, last)
        return last

    def notify(self, n=1):
        self._do('notify', n)

    def notify_all(self):
        self._do('notifyAll')

    # What a Condition exports of its lock.
    def _is_owned(self):
        return self._lock._is_owned()

    def _release_save(self):
        return self._lock._release_save()

    def __repr__(self):
        return f'<Condition({self._lock!r}, {self._describe()["waiting"]})>'

    def locked(self):
        return self._get('locked')


class _ConditionAsRLock(Condition):
    """A Condition where an RLock is tested: with the lock's repr, which Python's Condition has within its own."""

    def __repr__(self):
        return f'<{"locked" if self.locked() else "unlocked"} {self._at()}>'


class _Permits(_Taking):
    def __init__(self, value=1):
        self._handle = self._make(self.KIND, value=value)
        self._initial_value = value

    def acquire(self, blocking=True, timeout=None):
        if not blocking and timeout is not None:
            raise ValueError("can't specify timeout for non-blocking acquire")
        return self._acquire(blocking, timeout)

    def release(self, n=1):
        if n < 1:
            raise ValueError('n must be one or more')
        self._do('release', n)
        if self._key is not None:
            agent().released(self._key, n)

    def get_value(self):
        return self._get('value')


class Semaphore(_Permits):
    KIND = 'Semaphore'

    @property
    def _key(self):
        return None

    def __repr__(self):
        return f'<{type(self).__module__}.Semaphore at {id(self):#x}: value={self.get_value()}>'


class BoundedSemaphore(_Permits):
    KIND = 'BoundedSemaphore'

    def __repr__(self):
        value = f'{self.get_value()}/{self._get("limit")}'
        return f'<{type(self).__module__}.BoundedSemaphore at {id(self):#x}: value={value}>'


class Event(Shared):
    def __init__(self):
        self._handle = self._make('Event')

    def is_set(self):
        return self._do('isSet')

    def set(self):
        self._do('set')

    def clear(self):
        self._do('clear')

    def wait(self, timeout=None):
        return self._wait('wait', timeout=timeout)

    def __repr__(self):
        return f'<{type(self).__module__}.Event at {id(self):#x}: {"set" if self.is_set() else "unset"}>'


class BurstEvent(Event):
    """An Event whose `set` and `clear`, one right after the other, are no journey apart, but some instructions, as in Python."""

    def set(self):
        self._set = True

    def clear(self):
        assert self._set
        self._set = False
        self._request('burst', h=self._handle, m=['set', 'clear'])


class Barrier(Shared):
    def __init__(self, parties, action=None, timeout=None):
        self._action = action
        self._handle = self._make('Barrier', parties=parties, timeout=milliseconds(timeout), action=action is not None)

    def wait(self, timeout=None):
        def act(_):
            self._action()
            return True

        t = milliseconds(timeout)
        try:
            return agent().request('wait', act, h=self._handle, m='wait', t=t)
        except Thrown as error:
            raise self._mapped(error) from None

    def reset(self):
        self._do('reset')

    def abort(self):
        self._do('abort')

    @property
    def parties(self):
        return self._get('parties')

    @property
    def n_waiting(self):
        return self._get('nWaiting')

    @property
    def broken(self):
        return self._get('broken')

    def __repr__(self):
        how = 'broken' if self.broken else f'waiters={self.n_waiting}/{self.parties}'
        return f'<{type(self).__module__}.Barrier at {id(self):#x}: {how}>'


class BurstBarrier(Barrier):
    """A Barrier at which a party that was told "broken" waits again at once, with no journey between."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._again = threading.local()

    def wait(self, timeout=None):
        assert timeout is None
        answer = getattr(self._again, 'answer', None)
        if answer is not None:
            self._again.answer = None
        else:
            first, *rest = self._request('waitAgain', h=self._handle)
            if rest:
                self._again.answer = rest
            answer = [first]
        if answer[0] is None:
            raise threading.BrokenBarrierError('told so by Lockstep')
        return answer[0]


#
# multiprocessing's: other parameters of acquire, and other reprs
#

class _Lenient:
    """multiprocessing's acquire: a timeout says nothing where block is false; a negative one is 0."""

    def acquire(self, block=True, timeout=None):
        return self._acquire(block, None if timeout is None else max(0.0, timeout))


class MpLock(_Lenient, Lock):
    pass


class MpRLock(_Lenient, RLock):
    pass


class MpSemaphore(_Lenient, Semaphore):
    pass


class MpBoundedSemaphore(_Lenient, BoundedSemaphore):
    pass


class MpCondition(_Lenient, Condition):
    pass


class MpEvent(Event):
    def __repr__(self):
        return f'<Event at {id(self):#x} {"set" if self.is_set() else "unset"}>'


#
# Queues and pipes
#

class Queue(Shared):
    KIND = 'Queue'

    def __init__(self, maxsize=0):
        self._handle = self._make(self.KIND, options={'maxSize': max(0, maxsize)})

    @property
    def maxsize(self):
        return self._get('maxSize')

    @staticmethod
    def _check(block, timeout):
        if block and timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")

    def put(self, obj, block=True, timeout=None):
        self._check(block, timeout)
        if not block:
            if not self._do('tryPut', obj):
                raise queue.Full
        else:
            self._wait('put', obj, timeout=timeout)

    def get(self, block=True, timeout=None):
        self._check(block, timeout)
        if not block:
            item = self._do('tryGet')
            # None: an item, or that there was none. A get with a timeout tells the two apart.
            return self._wait('get', timeout=0) if item is None else item
        return self._wait('get', timeout=timeout)

    def put_nowait(self, obj):
        self.put(obj, False)

    def get_nowait(self):
        return self.get(False)

    def qsize(self):
        return self._get('size')

    def empty(self):
        return self._get('empty')

    def full(self):
        return self._get('full')

    def close(self):
        self._do('close')

    def join_thread(self):
        pass

    cancel_join_thread = join_thread


class JoinableQueue(Queue):
    KIND = 'JoinableQueue'

    def task_done(self):
        self._do('taskDone')

    def join(self):
        assert self._wait('join') is True


class SimpleQueue(Shared):
    def __init__(self):
        self._handle = self._make('SimpleQueue')

    def put(self, obj):
        # Its calls take no options.
        self._wait('put', obj)

    def get(self):
        return self._wait('get')

    def empty(self):
        return self._get('empty')

    def close(self):
        self._do('close')


class Connection(Shared):
    ERRORS = {
        'ERR_LOCKSTEP_END_OF_STREAM': EOFError,
        'ERR_LOCKSTEP_BROKEN_PIPE': BrokenPipeError,
        'ERR_LOCKSTEP_STATE': OSError,
        'ERR_LOCKSTEP_CLOSED': OSError,
    }

    def _checked(self):
        if self.closed:
            raise OSError('handle is closed')

    def send(self, obj):
        self._checked()
        self._wait('send', obj)

    def recv(self):
        self._checked()
        return self._wait('recv')

    def send_bytes(self, buf, offset=0, size=None):
        self._checked()
        args = [bytes(memoryview(buf).cast('B')), offset] + ([] if size is None else [size])
        # sendBytes takes no options after its size.
        self._do_or_wait('sendBytes', args)

    def _do_or_wait(self, name, args):
        name = name + 'Sync' if agent().calls == 'sync' else name
        self._do(name, *args)

    def recv_bytes(self, maxlength=None):
        self._checked()
        if maxlength is None:
            name = 'recvBytesSync' if agent().calls == 'sync' else 'recvBytes'
            return self._do(name)
        try:
            return self._wait('recvBytes', maxlength)
        except ValueError as error:
            raise OSError(str(error)) from None

    def recv_bytes_into(self, buf, offset=0):
        """Lockstep has no such call: the copying is done here."""
        with memoryview(buf) as view:
            whole = view.cast('B')
            message = self.recv_bytes()
            if len(message) > len(whole) - offset:
                raise multiprocessing.BufferTooShort(message)
            whole[offset:offset + len(message)] = message
            return len(message)

    def poll(self, timeout=0.0):
        self._checked()
        return self._wait('poll', timeout=timeout) if timeout is not None else self._wait('poll', timeout=1e9)

    @property
    def readable(self):
        return self._get('readable')

    @property
    def writable(self):
        return self._get('writable')

    def fileno(self):
        """Lockstep's connections are no descriptors. Asked by one test for its type only."""
        return -1

    @property
    def closed(self):
        """An end is closed for a thread, not for a process."""
        return self._handle in agent().ends_closed

    def close(self):
        if self.closed:
            return
        agent().ends_closed.add(self._handle)
        self._request('close', h=self._handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def Pipe(duplex=True):
    ends = Shared._request('pipe', duplex=duplex)
    return tuple(Connection._from(each['$h']) for each in ends)


def wait(object_list, timeout=None):
    """multiprocessing.connection.wait, by waitAny."""
    objects = list(object_list)
    fields = {} if timeout is None else {'t': milliseconds(timeout)}
    places = Shared._request('waitAny', a=[each._handle for each in objects], **fields)
    return [objects[place] for place in places]


#
# Values and arrays
#

def _lock_of(lock):
    """As multiprocessing.sharedctypes: True and None make an RLock."""
    if lock in (True, None):
        return True
    if lock is False:
        return False
    if not hasattr(lock, 'acquire'):
        # Lockstep itself throws an InvalidTypeError for it; asked below.
        return lock
    return lock._handle


class _Data(Shared):
    ERRORS = {'ERR_LOCKSTEP_INVALID_TYPE': AttributeError}


class _Guarded:
    def get_lock(self):
        answer = self._request('lock', h=self._handle)
        return CLASSES['Mp' + answer['class']]._from(answer['$h'])

    def get_obj(self):
        return self.RAW._from(self._handle)

    def acquire(self, *args):
        return self.get_lock().acquire(*args)

    def release(self):
        self.get_lock().release()

    def __enter__(self):
        return self.get_lock().__enter__()

    def __exit__(self, *args):
        return self.get_lock().__exit__(*args)


class RawValueOf(_Data):
    @property
    def value(self):
        return self._get('value')

    @value.setter
    def value(self, value):
        self._request('put', h=self._handle, m='value', a=number(value))


class ValueOf(_Guarded, RawValueOf):
    RAW = RawValueOf


class RawCharOf(_Data):
    """Value('c'): Lockstep has text in arrays only."""

    @property
    def value(self):
        return bytes([self._do('at', 0)])

    @value.setter
    def value(self, value):
        self._do('set', 0, value[0])


class CharOf(_Guarded, RawCharOf):
    RAW = RawCharOf


class RawArrayOf(_Data):
    ERRORS = {'ERR_LOCKSTEP_INVALID_TYPE': AttributeError, 'ERR_LOCKSTEP_OUT_OF_RANGE': IndexError}

    def __len__(self):
        return self._get('length')

    def __getitem__(self, i):
        if isinstance(i, slice):
            return decode(self._request('array', h=self._handle))[i]
        return self._do('at', i)

    def __setitem__(self, i, value):
        if not isinstance(i, slice):
            return self._do('set', i, value)
        for each, item in zip(range(*i.indices(len(self))), value, strict=True):
            self._do('set', each, item)

    def __iter__(self):
        return iter(decode(self._request('array', h=self._handle)))


class ArrayOf(_Guarded, RawArrayOf):
    RAW = RawArrayOf


class RawTextOf(RawArrayOf):
    """Array('c'): its value is text here, and bytes in Python."""

    @property
    def value(self):
        return self._get('value').encode('latin')

    @value.setter
    def value(self, value):
        self._request('put', h=self._handle, m='value', a=encode(value.decode('latin')))


class TextOf(_Guarded, RawTextOf):
    RAW = RawTextOf


def _field(name):
    def get(self):
        return self._get(name)

    def put(self, value):
        self._request('put', h=self._handle, m=name, a=number(value))

    return property(get, put)


def _record(structure, values, lock):
    """A ctypes Structure: a struct of Lockstep of the same fields."""
    names = [name for name, _ in structure._fields_]
    fields = {name: _type(type_) for name, type_ in structure._fields_}
    base = (_Data,) if lock is False else (_Guarded, _Data)
    cls = type(structure.__name__, base, {name: _field(name) for name in names})
    return cls._from(_Data._make('Record', fields=fields, values={'$o': dict(zip(names, values))}, lock=_lock_of(lock)))


def _type(code):
    """A ctypes type by its code."""
    return code if isinstance(code, str) else code._type_


def _invalid_lock(cls, lock):
    """What Lockstep says of a lock that is none."""
    return cls._request('new', k='Value', type='i', value=0, lock={'$': str(lock)})


def _refuse(lock):
    if isinstance(lock, str):
        # The string would be taken for a handle here: a plain object stands for it.
        _invalid_lock(_Data, lock)


def Value(typecode, *args, lock=True):
    _refuse(lock)
    if hasattr(typecode, '_fields_'):
        return _record(typecode, args, lock)
    typecode = _type(typecode)
    value = number(args[0] if args else None)
    if typecode == 'c':
        content = encode(list(args[0]) if args else 1)
        if lock is False:
            return RawCharOf._from(_Data._make('RawArray', type='c', value=content))
        return CharOf._from(_Data._make('SharedArray', type='c', value=content, lock=_lock_of(lock)))
    if lock is False:
        return RawValue(typecode, *args)
    return ValueOf._from(_Data._make('Value', type=typecode, value=value, lock=_lock_of(lock)))


def RawValue(typecode, *args):
    typecode = _type(typecode)
    if typecode == 'c':
        return Value('c', *args, lock=False)
    return RawValueOf._from(_Data._make('RawValue', type=typecode, value=number(args[0] if args else None)))


def Array(typecode, size_or_initializer, *, lock=True):
    _refuse(lock)
    if lock is False:
        return RawArray(typecode, size_or_initializer)
    content = size_or_initializer if isinstance(size_or_initializer, int) else list(size_or_initializer)
    handle = _Data._make('SharedArray', type=_type(typecode), value=encode(content), lock=_lock_of(lock))
    return (TextOf if _type(typecode) == 'c' else ArrayOf)._from(handle)


def RawArray(typecode, size_or_initializer):
    content = size_or_initializer if isinstance(size_or_initializer, int) else list(size_or_initializer)
    cls = RawTextOf if _type(typecode) == 'c' else RawArrayOf
    return cls._from(_Data._make('RawArray', type=_type(typecode), value=encode(content)))


CLASSES = {
    'Lock': Lock,
    'RLock': RLock,
    'MpLock': MpLock,
    'MpRLock': MpRLock,
    'Condition': MpCondition,
    'Semaphore': MpSemaphore,
    'BoundedSemaphore': MpBoundedSemaphore,
    'Event': MpEvent,
    'Barrier': Barrier,
    'Queue': Queue,
    'JoinableQueue': JoinableQueue,
    'SimpleQueue': SimpleQueue,
    'Connection': Connection,
}


#
# Processes
#

def _shared_in(value, found, depth=0):
    """Every shared object that can be reached from the arguments of a process."""
    if isinstance(value, Shared):
        found.append(value)
    elif depth < 6:
        if isinstance(value, (list, tuple, set)):
            parts = list(value)
        elif isinstance(value, dict):
            parts = list(value.values())
        elif hasattr(value, '__self__'):
            parts = [value.__self__]
        elif not isinstance(value, type) and hasattr(value, '__dict__'):
            parts = list(vars(value).values())
        else:
            parts = []
        for each in parts:
            _shared_in(each, found, depth + 1)
    return found


class DummyProcess(multiprocessing.dummy.DummyProcess):
    """A Python thread. `start` comes back when its agent has the arguments open, as a Lockstep Thread has them."""

    def start(self):
        self._cpython_ready = threading.Event()
        super().start()
        self._cpython_ready.wait(60)

    def run(self):
        try:
            for each in _shared_in([self._target, self._args, self._kwargs], []):
                each._open()
        finally:
            self._cpython_ready.set()
        super().run()


class Process(multiprocessing.context.ForkProcess):
    """A forked Python process, whose threads have agents of their own. `start` comes back when the child has its arguments open."""

    def start(self):
        ready, self._cpython_ready = os.pipe()
        try:
            super().start()
        finally:
            os.close(self._cpython_ready)
        os.read(ready, 1)
        os.close(ready)

    def run(self):
        for each in _shared_in([self._target, self._args, self._kwargs], []):
            each._open()
        os.write(self._cpython_ready, b'.')
        os.close(self._cpython_ready)
        try:
            super().run()
        finally:
            registry.finish()
