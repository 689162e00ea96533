/** Pool target: the types of what a pool is asked to run. */

import type { TargetModule } from '../workers/target.ts';
import type { TaskOptions } from './task-options.ts';

/** A function that workers run: its module exports it. */
export type Fn<Args extends readonly unknown[] = readonly never[], Result = unknown> = (
  ...args: Args
) => Result;

/** A function, or its module and the name of its export. */
export type PoolTarget<Args extends readonly unknown[], Result> = Fn<Args, Result> | TargetModule;

/** Arguments and options of a call; the arguments may be left out if the function needs none. */
export type CallRest<Args extends readonly unknown[], Options = TaskOptions> = [] extends Args
  ? [args?: Readonly<NoInfer<Args>>, options?: Options]
  : [args: Readonly<NoInfer<Args>>, options?: Options];

/** The result of a function that `stream` can run: a generator, or any iterable. */
export type Streamable<Value> =
  | Iterable<Value>
  | AsyncIterable<Value>
  | PromiseLike<Iterable<Value> | AsyncIterable<Value>>;

/** Sources of a map's items. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;
