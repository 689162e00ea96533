/** Uses the shared pool of a kind, `Pool` or `ThreadPool`, and ends without a word to it. */

import { cpuCount, Event, isMainProcess, Pool, Thread, ThreadPool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';

const code = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    return await promise;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};
const refusal = (act: () => unknown): string => {
  try {
    return String(act());
  } catch (error) {
    return (error as Error).message;
  }
};

async function brokenPool(): Promise<object> {
  // Node refuses to start with it.
  const { NODE_OPTIONS = '' } = process.env;
  process.env.NODE_OPTIONS = '--no-such-option';
  const pool = Pool.shared();
  const before = await code(pool.apply(targets.square, [3]));
  process.env.NODE_OPTIONS = NODE_OPTIONS;
  const next = Pool.shared();
  return { before, isSame: next === pool, after: await next.apply(targets.square, [3]) };
}

if (isMainProcess) {
  const isProcess = process.argv[2] === 'Pool';
  const count = isProcess ? 'processes' : 'threads';
  const found: Record<string, unknown> = {};
  if (isProcess) found.broken = await brokenPool();

  const share = (options?: object): Pool | ThreadPool =>
    isProcess ? Pool.shared(options) : ThreadPool.shared(options);
  const pool = share();
  found.isSame = pool === share({}) && pool === share({ [count]: { min: 0, max: cpuCount() } });
  found.isOfKind = isProcess ? pool instanceof Pool : pool instanceof ThreadPool;
  found.refusals = [{ idleTimeout: 50 }, { [count]: 1 }, { initializer: targets.connect }].map((options) =>
    refusal(() => share(options)),
  );

  // Nobody ends it.
  found.ends = await Promise.all([pool.close(), pool.terminate(), pool.join()].map(code));
  found.blocking = refusal(() => pool.joinSync());
  {
    await using left = share();
    found.size = left.size;
  }
  found.squares = await pool.map(targets.square, [1, 2, 3]);

  // A long map of one user leaves the workers to the calls of another.
  using go = new Event();
  const items = Array.from({ length: 50 }, (_, n) => [n, go] as const);
  const map = pool.map(targets.waitAfterThird, items, { chunkSize: 1 });
  const workers = cpuCount();
  const others = Array.from({ length: workers }, () => pool.apply(targets.square, [4]));
  void others[0]!.then(() => go.set());
  found.mapped = (await map).length;
  found.others = (await Promise.all(others)).every((n) => n === 16);

  // In a worker it is the worker itself; a thread has its own.
  const reports: unknown[] = [];
  const onReport = (value: unknown): void => void reports.push(value);
  const [here, ...inside] = await pool.apply(targets.shareInside, [], { onReport });
  found.inside = inside.map((each) => (each === here ? 'the worker' : each));
  found.reports = reports;
  const thread = new Thread({ target: targets.squareShared, args: [5] });
  thread.start();
  found.thread = await thread.result;
  console.log(JSON.stringify(found));
}
