/**
 * The pools of pool_suite.py: a program that has Lockstep pools, and uses them as Python asks.
 *
 *   Python -> here   {"i": number, "o": operation, …}          a request; any number at a time
 *                    {"i": number, "item": value}              the next item of a source
 *                    {"i": number, "end": true} or "failed"    its end
 *   here -> Python   {"i": number, "r": result} or "e": error  the answer to a request
 *                    {"pull": source, "i": number}             asks for the next item of a source
 */

import { createInterface } from 'node:readline';
import { isMainProcess, Pool, type Results, ThreadPool } from 'lockstep';
import * as functions from './pool-functions.ts';

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
  readonly options: object;
  readonly item?: unknown;
  readonly end?: true;
  readonly failed?: true;
}

const pools: AnyPool[] = [];
const iterators: Results<unknown>[] = [];
const asked = new Map<number, (message: Message) => void>();
let questions = 0;

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
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
  make({ kind, options }) {
    const pool = kind === 'Pool' ? new Pool(options) : new ThreadPool(options);
    return pools.push(pool as AnyPool) - 1;
  },
  workers: ({ p }) => pools[p]!.stats.workers.map(({ id }) => id),
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
    const { name, code, source, message: text } = error as Error & { code?: string; source?: number };
    say({ i: message.i, e: { name, code, source, message: text, stack: String((error as Error).stack) } });
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
