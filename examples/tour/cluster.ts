// Cluster: a lock over a Redis server, for processes that may run on different machines. Here three
// processes share one counter. Each reads it, waits a little, and writes it. Without the lock,
// updates would be lost.

import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Process } from 'lockstep';
import { connect } from 'lockstep/cluster';
import { check } from './check.ts';
import { startRedis } from './redis-server.ts';

const ROUNDS = 5;
const NAMESPACE = `tour-${process.ppid}`;

export async function count(url: string, namespace: string, name: string): Promise<number[]> {
  await using cluster = await connect({ redis: url, namespace });
  const [lock, counter] = [cluster.lock('door'), cluster.value('counter')];
  const tokens: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await lock.run(async (hold) => {
      const seen = await counter.get();
      await sleep(2);
      await counter.set(seen + 1, { hold });
      console.log(`${name} has counted to ${seen + 1}`);
      tokens.push(hold.token);
    });
  }
  return tokens;
}

if (isMainProcess) {
  const server = await startRedis();
  const processes = ['Ann', 'Ben', 'Cleo'].map(
    (name) => new Process({ target: count, args: [server.url, NAMESPACE, name] }),
  );
  for (const each of processes) each.start();
  const tokens = await Promise.all(processes.map((each) => each.result));
  await using cluster = await connect({ redis: server.url, namespace: NAMESPACE });
  const total = await cluster.value('counter').get();
  check(total === 3 * ROUNDS, `the counter is ${total}: no update was lost`);
  const all = tokens.flat() as number[];
  check(new Set(all).size === all.length, 'every hold had a token of its own');
  const grow = (tokens as number[][]).every((own) => own.every((token, n) => n === 0 || token > own[n - 1]!));
  check(grow, 'and the tokens grew from hold to hold');
  await cluster.close();
  await server.stop();
}
