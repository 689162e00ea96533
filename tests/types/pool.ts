/**
 * The promises of the types of pools: this file compiles, and each `@ts-expect-error` line would
 * not. Never run.
 */

import { MessageChannel } from 'node:worker_threads';
import {
  asCompleted,
  type CurrentTask,
  currentTask,
  Pool,
  type PoolStats,
  type Results,
  range,
  Shared,
  type Task,
  ThreadPool,
  transfer,
  workerState,
} from 'lockstep';
import type * as Images from '../support/pool-targets.ts';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the value's type is exactly `T`. */
function is<T>(): <V>(_value: V, ..._same: Same<V, T> extends true ? [] : [never]) => void {
  return () => {};
}

interface Shape {
  readonly area: number;
}
interface Circle extends Shape {
  readonly radius: number;
}

export const add = (a: number, b: number): number => a + b;
export const later = async (text: string): Promise<string> => text;
export const nothing = (): void => {};
export const optional = (a: number, b = 1): number => a + b;
export const rest = (first: string, ...more: number[]): number => more.length + first.length;
export const pair = ([a, b]: readonly [number, string]): string => b.repeat(a);
export const areaOf = (shape: Shape): number => shape.area;
export const connect = async (url: string): Promise<{ url: string }> => ({ url });
export const plain = (): number => 5;
export function* numbers(end: number): Generator<number, string> {
  for (let n = 0; n < end; n++) yield n;
  return 'the end';
}
export async function* texts(text: string): AsyncGenerator<string> {
  yield text;
}
export const listed = async (): Promise<string[]> => ['x'];
export function over(value: number): number;
export function over(value: string): string;
export function over(value: number | string): number | string {
  return value;
}

export async function shared(): Promise<void> {
  is<Pool>()(Pool.shared({ processes: { min: 1, max: 2 }, warm: 0 }));
  is<ThreadPool>()(ThreadPool.shared({ threads: 2, idleTimeout: 5 }));
  is<number>()(await Pool.shared().apply(add, [1, 2]));
  // @ts-expect-error An initializer would run for all users.
  Pool.shared({ initializer: connect });
}

export async function calls(circles: Circle[]): Promise<void> {
  for (const pool of [new Pool(), new ThreadPool()] as const) {
    // Arguments and results are those of the function, without a type written.
    is<number>()(await pool.apply(add, [1, 2]));
    is<string>()(await pool.apply(later, ['x']));
    is<number>()(pool.applySync(add, [1, 2]));
    is<Task<string>>()(pool.submit(later, ['x'], { timeout: 5 }));
    await pool.apply(nothing);
    await pool.apply(nothing, [], { signal: AbortSignal.timeout(5) });
    await pool.apply(optional, [1]);
    await pool.apply(optional, [1, 2]);
    await pool.apply(rest, ['x', 1, 2, 3]);
    const given = [1, 2] as const;
    await pool.apply(add, given);
    // Of overloads, the last.
    is<string>()(await pool.apply(over, ['x']));
    // @ts-expect-error the arguments are missing
    await pool.apply(add);
    // @ts-expect-error one is missing
    await pool.apply(add, [1]);
    // @ts-expect-error one is of another type
    await pool.apply(add, [1, '2']);
    // @ts-expect-error one is too many
    await pool.apply(later, ['x', 'y']);
    // @ts-expect-error they are no list
    await pool.apply(later, 'x');
    // @ts-expect-error there is no such option
    await pool.apply(later, ['x'], { timeOut: 5 });

    is<number[]>()(await pool.map(areaOf, circles));
    is<number[]>()(await pool.map(Math.sqrt, range(5)));
    is<PromiseSettledResult<string>[]>()(await pool.map(later, ['x'], { settled: true }));
    is<string[]>()(pool.mapSync(later, new Set(['x'])));
    is<number[]>()(await pool.starmap(add, [[1, 2]]));
    is<string[]>()(await pool.map(pair, [[1, 'x']]));
    is<void>()(await pool.each(later, ['x']));
    is<Results<string>>()(pool.imap(later, ['x'], { ahead: 3 }));
    for await (const text of pool.imapUnordered(later, ['x'])) is<string>()(text);
    // @ts-expect-error items of another type
    await pool.map(areaOf, [1]);
    // @ts-expect-error lists of other arguments
    await pool.starmap(add, [[1, 'x']]);

    is<number>()(await pool.wrap(add)(1, 2));
    // @ts-expect-error one is missing
    await pool.wrap(add)(1);
    const images = pool.proxy<typeof Images>(new URL('./images.js', import.meta.url));
    is<number>()(await images.add(1, 2));
    // @ts-expect-error one is of another type
    await images.add('1', 2);
    // @ts-expect-error a class is no function that can be called
    void images.OwnError;
    is<Task<number>>()(pool.group().submit(add, [1, 2]));
    // @ts-expect-error one is of another type
    pool.group().submit(add, [1, '2']);
    is<string[]>()(await pool.broadcast(later, ['x']));
    is<number[]>()(await pool.broadcast(plain));
    is<PromiseSettledResult<number>[]>()(await pool.broadcast(add, [1, 2], { settled: true }));
    // @ts-expect-error one is missing
    await pool.broadcast(add, [1]);
    // @ts-expect-error a call that runs again would run in another worker
    await pool.broadcast(plain, [], { retries: 1 });
    is<Results<number>>()(pool.stream(numbers, [5], { ahead: 3, key: 'a' }));
    for await (const text of pool.stream(texts, ['x'])) is<string>()(text);
    for await (const text of pool.stream(listed)) is<string>()(text);
    // @ts-expect-error it gives no values one by one
    pool.stream(plain);
    // @ts-expect-error an argument of another type
    pool.stream(numbers, ['x']);
    // @ts-expect-error a stream is not retried
    pool.stream(numbers, [5], { retries: 1 });
    const pixels = new Uint8Array(5);
    await pool.apply(later, ['x'], { transfer: [pixels.buffer, new MessageChannel().port1] });
    is<Uint8Array<ArrayBuffer>>()(transfer(pixels));
    is<{ pixels: Uint8Array<ArrayBuffer> }>()(transfer({ pixels }, [pixels.buffer]));
    // @ts-expect-error it can't move
    await pool.apply(later, ['x'], { transfer: [pixels] });
    // @ts-expect-error it holds no memory
    transfer(5);
    is<PoolStats>()(pool.stats);
    for await (const sum of asCompleted([pool.submit(add, [1, 2])])) is<number>()(sum);
    const mixed = asCompleted([pool.submit(add, [1, 2]), pool.submit(later, ['x'])]);
    for await (const either of mixed) is<number | string>()(either);
    const task = pool.submit(add, [1, 2]);
    is<number>()(await task);
    is<boolean>()(task.cancel('enough'));
    is<number | 'none'>()(await task.catch(() => 'none' as const));
  }
}

export function inTasks(words: Shared<string[]>): void {
  is<CurrentTask | undefined>()(currentTask());
  is<{ url: string }>()(workerState(connect));
  words.value[0]?.toUpperCase();
  new Shared({ a: 1 }).value.a.toFixed();
}

export function workers(): void {
  new Pool({ initializer: connect, initArgs: ['url'], finalizer: ({ url }) => url });
  new ThreadPool({ initializer: plain, threads: { min: 1, max: 2 } });
  new Pool(2);
  new Pool({ initializer: plain });
  // @ts-expect-error the initializer needs its argument
  new Pool({ initializer: connect });
  // @ts-expect-error and of its type
  new ThreadPool({ initializer: connect, initArgs: [5] });
  // @ts-expect-error there is no such option
  new Pool({ threads: 2 });
}
