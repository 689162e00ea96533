/**
 * The pools of pool_suite.py and futures_suite.py: a program that has Lockstep pools, and uses
 * them as Python asks.
 *
 *   Python -> here   {"i": number, "o": operation, …}          a request; any number at a time
 *                    {"i": number, "item": value}              the next item of a source
 *                    {"i": number, "end": true} or "failed"    its end
 *   here -> Python   {"i": number, "r": result} or "e": error  the answer to a request
 *                    {"pull": source, "i": number}             asks for the next item of a source
 */

import { createInterface } from 'node:readline';
import { asCompleted, isMainProcess, Pool, type Task, ThreadPool } from 'lockstep';
import * as functions from './pool-functions.ts';

/** What the answers tell of errors. */
interface Told {
  code?: string;
  source?: number;
  exitCode?: number;
}

type AnyPool = Pool<unknown, readonly unknown[]>;

interface Message {
  readonly i: number;
  readonly o?: string;
  readonly p: number;
  readonly f: string;
  readonly a: unknown[];
  readonly source: number;
  readonly chunkSize?: number;
  readonly it: number;
  readonly timeout?: number;
  readonly kind: 'Pool' | 'ThreadPool';
  readonly options: { initializer?: string };
  readonly t: number;
  readonly tasks: readonly (number | string)[];
  readonly cancel: boolean;
  readonly item?: unknown;
  readonly end?: true;
  readonly failed?: true;
}

const pools: AnyPool[] = [];
/** Pools that a failing initializer has broken, and those that were shut down. */
const states = new Map<number, 'broken' | 'closed'>();
const tasks = new Map<number, Task<unknown>>();
const iterators: { next(options?: { timeout?: number }): Promise<unknown> }[] = [];
const asked = new Map<number, (message: Message) => void>();
let questions = 0;

function say(message: object): void {
  const text = JSON.stringify(message, (_, value: unknown) =>
    typeof value === 'bigint' ? { int: String(value) } : value,
  );
  process.stdout.write(`${text}\n`);
}

async function* itemsOf(source: number): AsyncGenerator<unknown, void, void> {
  for (;;) {
    const number = ++questions;
    const answer = await new Promise<Message>((resolve) => {
      asked.set(number, resolve);
      say({ pull: source, i: number });
    });
    if (answer.failed === true) throw Object.assign(new Error('the source failed'), { source });
    if (answer.end === true) return;
    yield answer.item;
  }
}

const byName = new Map(Object.entries(functions)) as Map<string, (...args: unknown[]) => unknown>;
const functionOf = (name: string): ((...args: unknown[]) => unknown) => byName.get(name)!;

const operations: Record<string, (message: Message) => unknown> = {
  async make({ kind, options: { initializer, ...options } }) {
    const all = initializer === undefined ? options : { ...options, initializer: functionOf(initializer) };
    const pool = (kind === 'Pool' ? new Pool(all) : new ThreadPool(all)) as AnyPool;
    const number = pools.push(pool) - 1;
    await pool.ready.catch(() => states.set(number, 'broken'));
    return number;
  },
  workers: ({ p }) => pools[p]!.stats.workers.flatMap(({ id, state }) => (state === 'retiring' ? [] : [id])),
  submit({ p, f, a, t }) {
    const task = pools[p]!.submit(functionOf(f), a);
    tasks.set(t, task);
    return task;
  },
  // In Python a call that runs is not cancelled.
  cancel: ({ t }) => tasks.get(t)!.status === 'queued' && tasks.get(t)!.cancel(),
  calls: ({ p, source, chunkSize }) =>
    iterators.push(
      pools[p]!.imap(functions.call, itemsOf(source) as AsyncIterable<[string]>, chunkOf(chunkSize)),
    ) - 1,
  completed({ tasks: keys, timeout }) {
    const waited = keys.map(async (key) => {
      if (typeof key === 'number') await tasks.get(key)!.then(undefined, () => {});
      else if (key.startsWith('never')) await new Promise(() => {});
      return key;
    });
    return iterators.push(asCompleted(waited, timeout === undefined ? {} : { timeout })) - 1;
  },
  state: ({ p }) => states.get(p) ?? 'open',
  shutdown({ p, cancel }) {
    if (!states.has(p)) states.set(p, 'closed');
    void pools[p]!.close({ cancelQueued: cancel });
  },
  apply: ({ p, f, a }) => pools[p]!.apply(functionOf(f), a),
  map: ({ p, f, source, chunkSize }) => pools[p]!.map(functionOf(f), itemsOf(source), chunkOf(chunkSize)),
  starmap: ({ p, f, source, chunkSize }) =>
    pools[p]!.starmap(
      functionOf(f),
      itemsOf(source) as AsyncGenerator<unknown[], void, void>,
      chunkOf(chunkSize),
    ),
  imap: ({ p, f, source, chunkSize }) =>
    iterators.push(pools[p]!.imap(functionOf(f), itemsOf(source), chunkOf(chunkSize))) - 1,
  imapUnordered: ({ p, f, source, chunkSize }) =>
    iterators.push(pools[p]!.imapUnordered(functionOf(f), itemsOf(source), chunkOf(chunkSize))) - 1,
  next: ({ it, timeout }) => iterators[it]!.next(timeout === undefined ? {} : { timeout }),
  close: ({ p }) => void pools[p]!.close(),
  terminate: ({ p }) => void pools[p]!.terminate(),
  join: ({ p }) => pools[p]!.join(),
};

function chunkOf(chunkSize: number | undefined): { chunkSize?: number } {
  return chunkSize === undefined ? {} : { chunkSize };
}

async function answer(message: Message): Promise<void> {
  try {
    say({ i: message.i, r: (await operations[message.o!]!(message)) ?? null });
  } catch (error) {
    const { name, code, source, exitCode, message: text } = error as Error & Told;
    const cancelled =
      code === 'ERR_LOCKSTEP_CLOSED' && / no result, the pool was closed| cancelled, /.test(text);
    const stack = String((error as Error).stack);
    say({ i: message.i, e: { name, code, source, exitCode, cancelled, message: text, stack } });
  }
}

if (isMainProcess) {
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line) as Message;
    if (message.o !== undefined) void answer(message);
    else {
      asked.get(message.i)?.(message);
      asked.delete(message.i);
    }
  }
  await Promise.all(pools.map((pool) => pool.terminate()));
}
