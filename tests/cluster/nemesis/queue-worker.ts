/**
 * A worker of the nemesis run of queues: puts items, or takes them by `get`, or borrows them by
 * `receive`. It reports each step to its parent, and continues, whatever is lost on the way.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';

export type Role = 'puts' | 'gets' | 'receives';

/** One step. Times are by a clock that all processes of the machine share, in milliseconds. */
export type Step =
  | { readonly step: 'putting' | 'put' | 'acking' | 'acked' | 'back'; readonly item: string }
  /** The delivery was made between the two times. */
  | {
      readonly step: 'got' | 'received';
      readonly item: string;
      readonly began: number;
      readonly ended: number;
    }
  | { readonly step: 'lost'; readonly at: number };

/** How long the server lends an item. */
export const VISIBLE_MS = 1_500;
const ROOM = 20;
const CODES = ['ERR_LOCKSTEP_LEASE_LOST', 'ERR_LOCKSTEP_STORE'];

const clock = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/**
 * Resolves when the parent's channel has it: a report that was made is not lost with the worker.
 */
function tell(step: Step): Promise<void> {
  return new Promise((resolve) => process.send!(step, () => resolve()));
}

let puts = true;
let made = 0;

const roles: Record<Role, (cluster: Cluster) => Promise<void>> = {
  async puts(cluster) {
    if (!puts) {
      await sleep(50);
      return;
    }
    const item = `${process.pid}-${++made}`;
    const queue = cluster.queue<string>(made % 2 === 0 ? 'lent' : 'given', { maxSize: ROOM });
    await tell({ step: 'putting', item });
    await queue.put(item);
    await tell({ step: 'put', item });
  },

  async gets(cluster) {
    const began = clock();
    const item = await cluster.queue<string>('given').get();
    await tell({ step: 'got', item, began, ended: clock() });
  },

  async receives(cluster) {
    const began = clock();
    const delivery = await cluster.queue<string>('lent').receive({ visibility: VISIBLE_MS });
    const item = delivery.value;
    await tell({ step: 'received', item, began, ended: clock() });
    await sleep(2);
    if (made++ % 7 === 6) {
      await tell({ step: 'back', item });
      await delivery.nack();
      return;
    }
    await tell({ step: 'acking', item });
    await delivery.ack();
    await tell({ step: 'acked', item });
  },
};

async function work(role: Role, options: ConnectOptions): Promise<void> {
  await using cluster = await connect(options);
  cluster.on('lost', () => void tell({ step: 'lost', at: clock() }));
  for (;;) {
    try {
      await roles[role](cluster);
    } catch (error) {
      if (!CODES.includes((error as { code: string }).code)) throw error;
    }
  }
}

const [, , role, options] = process.argv;
if (role !== undefined && options !== undefined && process.send !== undefined) {
  process.on('message', () => {
    puts = false;
  });
  process.on('disconnect', () => process.exit());
  for (;;) {
    try {
      await work(role as Role, JSON.parse(options) as ConnectOptions);
    } catch (error) {
      if (!CODES.includes((error as { code: string }).code)) {
        console.error(error);
        process.exit(1);
      }
      await sleep(50);
    }
  }
}
