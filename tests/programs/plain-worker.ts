/** A worker of `node:worker_threads`: `plain-worker adds <times>` or `plain-worker keeps`. */

import { adds, keeps } from './pool-worker.ts';

const [, , what, times] = process.argv;
if (what === 'adds') await adds(Number(times));
else await keeps();
