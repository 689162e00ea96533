// @ts-check
/**
 * The figures, their rivals, and the goals: the table of the bench, as data. How each row is
 * measured stands in `rows/`, in the file that `measuredIn` names.
 *
 * A goal compares by `ratio`: how many times better Lockstep is than the peer. 3 is a third of the
 * time or three times the rate, 0.5 is twice the time or half the rate. Or it bounds Lockstep's own
 * figure: `atMost`, `atLeast`.
 *
 * @typedef {{ ratio: number } | { atMost: number } | { atLeast: number }} Goal
 * @typedef {object} Against
 * @property {string} [peer]   missing: Lockstep's own figure is what counts
 * @property {Goal} [must]     missing on both: for information
 * @property {Goal} [aim]
 * @typedef {object} Figure
 * @property {string} row
 * @property {string} title
 * @property {string} unit
 * @property {'less' | 'more'} better
 * @property {string} measuredIn
 * @property {'one cpu'} [pinned]   run with every process of both sides on one CPU
 * @property {number} [rounds]      default 9
 * @property {string} [onTopOf]     Lockstep's figure is the difference to this peer's
 * @property {Against[]} against
 */

/** The name of Lockstep's own side in every row. */
export const OURS = 'Lockstep';

const PYTHON_LOCK = 'CPython mp.Lock';
const C_MUTEX = 'C robust mutex';
const REDIS_SEMAPHORE = 'redis-semaphore';

/** @param {number} n */
const times = (n) => ({ ratio: n });
/** @param {number} n */
const atMost = (n) => ({ atMost: n });
/** @param {number} n */
const atLeast = (n) => ({ atLeast: n });

/** @type {Figure[]} */
export const figures = [
  {
    row: 'uncontended',
    title: 'acquireSync + release of a free Lock',
    unit: 'ns',
    better: 'less',
    measuredIn: 'uncontended.js',
    against: [
      { peer: PYTHON_LOCK, must: times(2), aim: times(3) },
      { peer: C_MUTEX, must: times(1 / 2), aim: times(1 / 1.5) },
    ],
  },
  {
    row: 'contended-2',
    title: '2 processes: lock, add one, unlock',
    unit: 'M/s',
    better: 'more',
    measuredIn: 'contended.js',
    against: [
      { peer: PYTHON_LOCK, must: times(6), aim: times(10) },
      { peer: C_MUTEX, aim: times(0.5) },
    ],
  },
  {
    row: 'contended-8',
    title: '8 processes: lock, add one, unlock',
    unit: 'M/s',
    better: 'more',
    measuredIn: 'contended.js',
    against: [
      { peer: PYTHON_LOCK, must: times(6), aim: times(10) },
      { peer: C_MUTEX, aim: times(0.5) },
    ],
  },
  {
    row: 'ping-pong-blocking',
    title: 'Semaphore round trip of two blocking processes',
    unit: 'us',
    better: 'less',
    measuredIn: 'ping-pong-blocking.js',
    against: [{ peer: 'CPython mp.Semaphore', must: times(5), aim: times(20) }, { peer: 'C raw futex' }],
  },
  {
    row: 'ping-pong-one-cpu',
    title: 'the same with all on one CPU, where spinning cannot help',
    unit: 'us',
    better: 'less',
    measuredIn: 'ping-pong-blocking.js',
    pinned: 'one cpu',
    against: [{ peer: 'CPython mp.Semaphore' }, { peer: 'C raw futex', aim: times(1 / 1.2) }],
  },
  {
    row: 'ping-pong-awaiting',
    title: 'Lock round trip of two awaiting event loops',
    unit: 'us',
    better: 'less',
    measuredIn: 'ping-pong-awaiting.js',
    against: [{ peer: 'child_process message', must: times(1), aim: times(2) }],
  },
  {
    row: 'await-uncontended',
    title: 'await acquire + release of a free Lock',
    unit: 'ns',
    better: 'less',
    measuredIn: 'await-uncontended.js',
    against: [{ peer: 'async-mutex', must: times(2), aim: times(4) }],
  },
  {
    row: 'named',
    title: 'acquireSync + release of a free named Lock',
    unit: 'ns',
    better: 'less',
    measuredIn: 'named.js',
    against: [
      { peer: 'proper-lockfile lock', must: times(1000), aim: times(10_000) },
      { peer: 'proper-lockfile lockSync' },
    ],
  },
  {
    row: 'barrier',
    title: 'Barrier(2) round of two blocking processes',
    unit: 'us',
    better: 'less',
    measuredIn: 'barrier.js',
    against: [{ peer: 'CPython mp.Barrier', must: times(5), aim: times(20) }, { peer: 'C pthread_barrier' }],
  },
  {
    row: 'recovery-unrelated',
    title: 'an unrelated holder SIGKILLed until the next holder has it',
    unit: 'ms',
    better: 'less',
    rounds: 15,
    measuredIn: 'recovery.js',
    against: [
      { peer: 'proper-lockfile', must: times(100) },
      { must: atMost(20), aim: atMost(5) },
    ],
  },
  {
    row: 'recovery-child',
    title: 'a holder SIGKILLed that is a Process of the one who waits',
    unit: 'ms',
    better: 'less',
    rounds: 15,
    measuredIn: 'recovery.js',
    against: [{ must: atMost(20), aim: atMost(5) }],
  },
  {
    row: 'recovery-blocked',
    title: 'an unrelated holder SIGKILLed, the next holder blocks',
    unit: 'ms',
    better: 'less',
    rounds: 15,
    measuredIn: 'recovery.js',
    against: [{ must: atMost(20), aim: atMost(5) }],
  },
  {
    row: 'idle-awaiting',
    title: 'wake-ups of a process that awaits a held Lock',
    unit: '/s',
    better: 'less',
    rounds: 2,
    measuredIn: 'idle.js',
    against: [{ must: atMost(1), aim: atMost(0) }],
  },
  {
    row: 'idle-blocked',
    title: 'wake-ups of a process that is blocked by a held Lock',
    unit: '/s',
    better: 'less',
    rounds: 2,
    measuredIn: 'idle.js',
    against: [{ must: atMost(3), aim: atMost(2) }],
  },
  {
    row: 'warm-start',
    title: 'start() with a spare to the first line of the target',
    unit: 'ms',
    better: 'less',
    measuredIn: 'warm-start.js',
    against: [
      { must: atMost(4), aim: atMost(2) },
      { peer: 'cold start', must: times(10) },
      { peer: 'bare Node', must: times(10) },
    ],
  },
  {
    row: 'first-lock',
    title: 'import and first lock, on top of bare Node',
    unit: 'ms',
    better: 'less',
    rounds: 21,
    measuredIn: 'first-lock.js',
    onTopOf: 'bare Node',
    against: [{ must: atMost(60), aim: atMost(30) }, { peer: 'bare Node' }],
  },
  {
    row: 'start-lock',
    title: 'a program that imports Lockstep and takes a lock',
    unit: 'ms',
    better: 'less',
    rounds: 21,
    measuredIn: 'first-lock.js',
    against: [{ peer: 'bare Node', must: times(1 / 1.6), aim: times(1 / 1.35) }],
  },
  {
    row: 'start-process',
    title: 'start and join of an empty Process, without a spare',
    unit: 'ms',
    better: 'less',
    rounds: 21,
    measuredIn: 'start-child.js',
    against: [{ peer: 'bare Node', must: times(1 / 1.6), aim: times(1 / 1.3) }],
  },
  {
    row: 'start-thread',
    title: 'start and join of an empty Thread',
    unit: 'ms',
    better: 'less',
    rounds: 21,
    measuredIn: 'start-child.js',
    against: [{ peer: 'plain Worker', must: times(1 / 1.7), aim: times(1 / 1.3) }],
  },
  {
    row: 'start-memory',
    title: 'resident memory of an empty child, on top of bare Node',
    unit: 'MB',
    better: 'less',
    measuredIn: 'start-memory.js',
    onTopOf: 'bare Node',
    against: [{ must: atMost(10), aim: atMost(6) }, { peer: 'bare Node' }],
  },
  {
    row: 'start-files',
    title: 'files of the package that a program reads',
    unit: 'files',
    better: 'less',
    rounds: 1,
    measuredIn: 'start-files.js',
    against: [{ must: atMost(4), aim: atMost(3) }],
  },
  {
    row: 'start-files-child',
    title: 'files of the package that a child process reads',
    unit: 'files',
    better: 'less',
    rounds: 1,
    measuredIn: 'start-files.js',
    against: [{ must: atMost(4), aim: atMost(3) }],
  },
  {
    row: 'memory',
    title: 'shared memory of one Lock, when there are a million',
    unit: 'bytes',
    better: 'less',
    rounds: 1,
    measuredIn: 'memory.js',
    against: [{ must: atMost(128), aim: atMost(64) }, { peer: 'C pthread_mutex_t' }],
  },
  {
    row: 'queue-objects',
    title: 'small objects through a Queue, from one process to another',
    unit: 'M/s',
    better: 'more',
    measuredIn: 'queue-throughput.js',
    against: [
      { aim: atLeast(1) },
      { peer: 'child_process json', must: times(5), aim: times(10) },
      { peer: 'CPython mp.Queue', must: times(3), aim: times(5) },
      { peer: 'worker postMessage', must: times(3), aim: times(6) },
    ],
  },
  {
    row: 'queue-integers',
    title: 'integers through a Queue, from one process to another',
    unit: 'M/s',
    better: 'more',
    measuredIn: 'queue-throughput.js',
    against: [
      { must: atLeast(1), aim: atLeast(3) },
      { peer: 'child_process json' },
      { peer: 'CPython mp.Queue' },
      { peer: 'worker postMessage' },
    ],
  },
  {
    row: 'queue-4-to-4',
    title: 'small objects through a Queue, from 4 processes to 4',
    unit: 'M/s',
    better: 'more',
    measuredIn: 'queue-throughput.js',
    against: [{ peer: 'Lockstep, 1 to 1', must: times(0.7), aim: times(1) }],
  },
  {
    row: 'queue-bytes',
    title: 'arrays of 1 MiB through a Queue, from one process to another',
    unit: 'GB/s',
    better: 'more',
    measuredIn: 'queue-bytes.js',
    against: [
      { peer: 'child_process advanced', must: times(3) },
      { peer: 'memcpy', aim: times(0.5) },
    ],
  },
  {
    row: 'queue-trip-blocking',
    title: 'round trip of a small object over two Queues, blocking',
    unit: 'us',
    better: 'less',
    measuredIn: 'queue-round-trip.js',
    against: [{ peer: 'child_process message', must: times(5), aim: times(20) }],
  },
  {
    row: 'queue-trip-awaiting',
    title: 'the same, awaiting',
    unit: 'us',
    better: 'less',
    measuredIn: 'queue-round-trip.js',
    against: [{ peer: 'child_process message', must: times(1), aim: times(1.5) }],
  },
  {
    row: 'queue-memory',
    title: 'growth of a process by a Queue of 16 MiB that is filled and emptied',
    unit: 'MiB',
    better: 'less',
    rounds: 1,
    measuredIn: 'queue-memory.js',
    against: [{ must: atMost(64), aim: atMost(32) }],
  },
  {
    row: 'snapshot',
    title: 'a snapshot of a namespace with 255 agents and 10,000 objects',
    unit: 'ms',
    better: 'less',
    measuredIn: 'snapshot.js',
    against: [{ must: atMost(10), aim: atMost(3) }],
  },
  {
    row: 'why',
    title: '`lockstep why`, from its start to its text',
    unit: 'ms',
    better: 'less',
    rounds: 21,
    measuredIn: 'why.js',
    against: [{ must: atMost(200), aim: atMost(120) }, { peer: 'bare Node' }],
  },
  {
    row: 'pool-apply',
    title: 'apply by a Pool of 2 processes, 256 calls in flight',
    unit: '1/s',
    better: 'more',
    rounds: 7,
    measuredIn: 'pool-apply.js',
    against: [
      { must: atLeast(150_000), aim: atLeast(300_000) },
      { peer: 'piscina', must: times(4), aim: times(8) },
      { peer: 'tinypool processes', must: times(5) },
      { peer: 'tinypool threads' },
      { peer: 'CPython Pool.imap', must: times(2) },
    ],
  },
  {
    row: 'pool-apply-threads',
    title: 'the same by a ThreadPool of 2 threads',
    unit: '1/s',
    better: 'more',
    rounds: 7,
    measuredIn: 'pool-apply.js',
    against: [
      { must: atLeast(150_000), aim: atLeast(300_000) },
      { peer: 'piscina', must: times(4), aim: times(8) },
      { peer: 'tinypool processes', must: times(5) },
      { peer: 'tinypool threads' },
    ],
  },
  {
    row: 'pool-trip',
    title: 'apply by a Pool of 2 processes, one call after the other',
    unit: 'us',
    better: 'less',
    rounds: 7,
    measuredIn: 'pool-apply.js',
    against: [
      { peer: 'piscina', must: times(3), aim: times(10) },
      { peer: 'tinypool processes' },
      { peer: 'tinypool threads' },
    ],
  },
  {
    row: 'pool-map',
    title: 'map of a million integers by a Pool of 2 processes',
    unit: 'M/s',
    better: 'more',
    rounds: 7,
    measuredIn: 'pool-map.js',
    against: [{ peer: 'CPython Pool.map', must: times(1), aim: times(2) }],
  },
  {
    row: 'pool-mandelbrot',
    title: 'the Mandelbrot set by a Pool of 2 processes',
    unit: 'ms',
    better: 'less',
    rounds: 7,
    measuredIn: 'pool-map.js',
    against: [{ peer: 'one process', must: times(1.85), aim: times(1.95) }],
  },
  {
    row: 'pool-first',
    title: 'from new Pool(2) to its first result',
    unit: 'ms',
    better: 'less',
    measuredIn: 'pool-life.js',
    against: [{ peer: 'bare Node', must: times(1 / 2), aim: times(1 / 1.3) }, { peer: 'piscina' }],
  },
  {
    row: 'pool-killed',
    title: 'from the SIGKILL of a worker until its task rejects',
    unit: 'ms',
    better: 'less',
    rounds: 5,
    measuredIn: 'pool-life.js',
    against: [{ must: atMost(20), aim: atMost(5) }],
  },
  {
    row: 'pool-next',
    title: 'from there until the next task has run in another worker',
    unit: 'ms',
    better: 'less',
    rounds: 5,
    measuredIn: 'pool-life.js',
    against: [{ must: atMost(10), aim: atMost(4) }],
  },
  {
    row: 'cluster-pair',
    title: 'cluster over Redis: acquire + release of a free lock',
    unit: 'µs',
    better: 'less',
    measuredIn: 'cluster.js',
    against: [{ peer: REDIS_SEMAPHORE, must: times(0.7), aim: times(0.9) }],
  },
  {
    row: 'cluster-contended',
    title: 'cluster over Redis: 8 processes, sections of 2 ms',
    unit: '1/s',
    better: 'more',
    rounds: 3,
    measuredIn: 'cluster.js',
    against: [{ peer: REDIS_SEMAPHORE, must: times(1.1) }],
  },
  {
    row: 'cluster-longest',
    title: 'cluster over Redis: the longest wait of these 8',
    unit: 'ms',
    better: 'less',
    rounds: 3,
    measuredIn: 'cluster.js',
    against: [{ peer: REDIS_SEMAPHORE, must: times(2) }],
  },
  {
    row: 'cluster-handoff',
    title: 'cluster over Redis: hand-off to a waiting process',
    unit: 'ms',
    better: 'less',
    rounds: 5,
    measuredIn: 'cluster.js',
    against: [{ must: atMost(1.5) }, { peer: REDIS_SEMAPHORE, must: times(4) }],
  },
];
