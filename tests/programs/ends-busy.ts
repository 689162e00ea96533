/**
 * Has children that are busy without end, and ends in one of the ways in which programs end:
 *
 *   node ends-busy.js Pool|ThreadPool|Process|Thread|deaf HOW
 */

import { isMainProcess, Pool, Process, Queue, Thread, ThreadPool } from 'lockstep';
import { spinForEver, whoami } from '../support/pool-targets.ts';

type AnyPool = Pool<unknown, readonly unknown[]>;

const CHILDREN = 2;

/** Does not heed SIGTERM. */
export async function deaf(began: Queue<number>): Promise<void> {
  process.on('SIGTERM', () => {});
  await began.put(whoami());
  setInterval(() => {}, 1000);
}

/** Starts the children, and has each begin a task. */
function occupy(kind: string, began: Queue<number>): AnyPool | undefined {
  if (kind === 'Pool' || kind === 'ThreadPool') {
    const options = { processes: CHILDREN, grace: 20 };
    const pool = (kind === 'Pool' ? new Pool(options) : new ThreadPool(options)) as AnyPool;
    for (let n = 0; n < CHILDREN; n++) void pool.apply(spinForEver, [began]).catch(() => {});
    return pool;
  }
  const Child = kind === 'Thread' ? Thread : Process;
  const target = kind === 'deaf' ? deaf : spinForEver;
  for (let n = 0; n < CHILDREN; n++) new Child({ target, args: [began], daemon: true }).start();
  return undefined;
}

async function main(kind: string, how: string): Promise<void> {
  if (how === 'listener') process.on('exit', () => process.exit(7));
  const began = new Queue<number>();
  const pool = occupy(kind, began);
  if (how === 'starting') process.exit(5);
  for (let n = 0; n < CHILDREN; n++) await began.get();
  if (how === 'throw') setImmediate(() => failing('uncaught'));
  else if (how === 'scope') await leaveScope(pool!);
  else if (how === 'signal') {
    process.on('SIGTERM', () => process.exit(6));
    process.kill(process.pid, 'SIGTERM');
    setInterval(() => {}, 1000);
  } else process.exit(5);
}

async function leaveScope(pool: AnyPool): Promise<void> {
  await using _pool = pool;
  failing('the scope is left');
}

function failing(why: string): never {
  throw new Error(why);
}

if (isMainProcess) {
  const [, , kind = '', how = ''] = process.argv;
  await main(kind, how);
}
