/**
 * A host of the run: a process in a network namespace of its own. It does what the driver tells it,
 * over a channel apart from the network.
 */

import { spawnSync } from 'node:child_process';
import type { Cluster, ClusterHold, ClusterLock } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';

/** Seen by a host; times by a clock that all processes of the machine share. */
export interface HostSeen {
  /** When `hold.valid` was false for the first time, and when `hold.signal` aborted; 0: not yet. */
  invalidAt: number;
  abortedAt: number;
  /** The code of the reason of `signal`. */
  reason: string;
  /** Longest time, in milliseconds, for which this process has been late. */
  late: number;
}

export const clock = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

const WATCH_MS = 5;
const seen: HostSeen = { invalidAt: 0, abortedAt: 0, reason: '', late: 0 };
let cluster: Cluster;
let lock: ClusterLock;
let hold: ClusterHold | undefined;
let watched = clock();

setInterval(() => {
  const now = clock();
  seen.late = Math.max(seen.late, now - watched - WATCH_MS);
  watched = now;
  if (hold !== undefined && !hold.valid && seen.invalidAt === 0) seen.invalidAt = now;
}, WATCH_MS);

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

/** The code with which it is refused. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'not refused';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const orders = {
  address(device: string, address: string): void {
    ip('link', 'set', 'lo', 'up');
    ip('address', 'add', address, 'dev', device);
    ip('link', 'set', device, 'up');
  },

  async connect(url: string, lease: number): Promise<void> {
    cluster = await connect({ redis: url, lease });
    lock = cluster.lock('guarded');
  },

  /** Resolves with the token, and when the lock was there. */
  async acquire(): Promise<{ token: number; recovered: boolean; at: number }> {
    const got = await lock.acquire();
    hold = got;
    got.signal.addEventListener('abort', () => {
      seen.abortedAt = clock();
      seen.reason = (got.signal.reason as { code: string }).code;
    });
    return { token: got.token, recovered: got.recovered, at: clock() };
  },

  async waiting(): Promise<number> {
    return (await lock.describe()).waiting;
  },

  /** Writes with the token of the hold. */
  write(): Promise<string> {
    return codeOf(cluster.value('total').set(1, { hold: hold! }));
  },

  release(): Promise<string> {
    return codeOf(hold!.release());
  },

  seen: (): HostSeen => seen,

  close: (): Promise<void> => cluster.close(),
};

export type Orders = typeof orders;

export interface Order {
  readonly id: number;
  readonly name: keyof Orders;
  readonly args: readonly unknown[];
}

export interface Obeyed {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

process.on('message', ({ id, name, args }: Order) => {
  const act = orders[name] as (...args: unknown[]) => unknown;
  Promise.resolve()
    .then(() => act(...args))
    .then(
      (value) => process.send!({ id, value } satisfies Obeyed),
      (error: Error) => process.send!({ id, error: error.stack ?? error.message } satisfies Obeyed),
    );
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 } satisfies Obeyed);
