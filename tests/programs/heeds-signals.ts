/**
 * Has pools with busy workers, and ends them on SIGTERM; with `idle`, has pools that it does not
 * end.
 */

import { Event, isMainProcess, Pool, Queue, ThreadPool } from 'lockstep';
import { blockFor, square } from '../support/pool-targets.ts';

if (isMainProcess) {
  const pools = { Pool: new Pool({ processes: 1 }), ThreadPool: new ThreadPool({ threads: 1 }) };
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (process.argv[2] === 'idle') {
    for (const [kind, pool] of Object.entries(pools)) say(`${kind} ${await pool.map(square, [1, 2])}`);
    void pools.ThreadPool.close();
    await pools.ThreadPool.join({ timeout: 1_000_000 });
  } else {
    const began = new Queue<number>();
    const go = new Event();
    const calls = [
      pools.Pool.apply(blockFor, [began, go, 7]),
      pools.ThreadPool.apply(blockFor, [began, go, 8]),
    ];
    process.on('SIGINT', () => say('SIGINT'));
    process.on('SIGTERM', async () => {
      say('SIGTERM');
      go.set();
      await Promise.all([pools.Pool.close(), pools.ThreadPool.close()]);
      const [one, other] = await Promise.all(calls);
      say(`Pool ${one}\nThreadPool ${other}`);
      process.exit();
    });
    await began.get();
    await began.get();
    say('ready');
  }
}
