/**
 * A primary and four workers of `node:cluster` that share a named lock: prints the total.
 * `in-cluster <times>`.
 */

import cluster from 'node:cluster';
import { once } from 'node:events';
import { Value } from 'lockstep';
import { adds } from './pool-worker.ts';

const WORKERS = 4;
const times = Number(process.argv[2]);
if (cluster.isPrimary) {
  const total = new Value('i32', 0, { name: 'pooled-total', lock: false });
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  const endings = await Promise.all(workers.map((worker) => once(worker, 'exit')));
  console.log(JSON.stringify({ total: total.value, codes: endings.map(([code]) => code as number) }));
} else {
  await adds(times);
  process.exit(0);
}
