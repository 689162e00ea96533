/**
 * A worker of the nemesis run: takes the lock, and writes to the resource that its parent keeps,
 * again and again. It continues, whatever is lost on the way.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ClusterLock, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';

/** A write with the token of the hold under which it is made. */
export interface Write {
  readonly write: number;
  readonly token: number;
}

export interface Verdict {
  readonly write: number;
  readonly accepted: boolean;
}

/** A worker's report of a refused write: whether it still believed in its hold then. */
export interface Refusal {
  readonly refused: number;
  readonly valid: boolean;
}

/** Which server, and by which client. */
export type WorkerOptions = ConnectOptions & { readonly client?: 'ioredis' | undefined };

const { client, ...options } = JSON.parse(process.argv[2]!) as WorkerOptions;
const verdicts = new Map<number, (accepted: boolean) => void>();
let writes = 0;
let turns = 0;

process.on('message', ({ write, accepted }: Verdict) => {
  verdicts.get(write)?.(accepted);
  verdicts.delete(write);
});
process.on('disconnect', () => process.exit());

function ask(token: number): Promise<boolean> {
  const write = ++writes;
  const verdict = new Promise<boolean>((resolve) => verdicts.set(write, resolve));
  process.send!({ write, token } satisfies Write);
  return verdict;
}

const CODES = ['ERR_LOCKSTEP_LEASE_LOST', 'ERR_LOCKSTEP_STORE'];

/** A client of the program's own, where a lock may stay for a few sections (objects/stays.ts). */
function ownClient(): Redis | undefined {
  if (client === undefined) return undefined;
  return new Redis(options.redis as string, { retryStrategy: (tries) => Math.min(20 * tries, 250) });
}

async function turn(lock: ClusterLock): Promise<void> {
  const most = 1 + (turns++ % 3);
  await lock.run(async (hold) => {
    for (let i = 0; i < most && hold.valid; i++) {
      // It looks before it writes, as it should. If it is stopped here past its lease, it writes
      // all the same: only the resource can refuse that.
      await sleep(2);
      const accepted = await ask(hold.token);
      if (!accepted) process.send!({ refused: hold.token, valid: hold.valid } satisfies Refusal);
    }
  });
}

for (;;) {
  const redis = ownClient();
  redis?.on('error', () => {});
  try {
    await using cluster = await connect(redis === undefined ? options : { ...options, redis });
    const lock = cluster.lock('resource');
    for (;;) {
      try {
        await turn(lock);
      } catch (error) {
        if (!CODES.includes((error as { code: string }).code)) throw error;
      }
    }
  } catch (error) {
    if (!CODES.includes((error as { code: string }).code)) {
      console.error(error);
      process.exit(1);
    }
    await sleep(50);
  } finally {
    redis?.disconnect();
  }
}
