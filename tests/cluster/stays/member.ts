/** Member: a connection by ioredis, or by another client, whose lock may stay. */

import { Redis } from 'ioredis';
import type { Cluster, ClusterHold, ClusterLock, ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { until } from '../../support/until.ts';

/** What a case reaches into. */
interface Internals {
  core: { stays: { staying: Map<string, unknown> } };
}

export class Member {
  readonly cluster: Cluster;
  /** A round trip by its connection: afterwards its claim has been answered. */
  readonly trip: () => Promise<unknown>;
  waiting: Promise<ClusterHold> | undefined;
  private readonly drop: () => void;

  private constructor(cluster: Cluster, trip: () => Promise<unknown>, drop: () => void) {
    this.cluster = cluster;
    this.trip = trip;
    this.drop = drop;
  }

  static async at(url: string): Promise<Member> {
    const redis = new Redis(url);
    return Member.over(
      redis,
      () => redis.ping(),
      () => redis.disconnect(),
    );
  }

  static async over(redis: unknown, trip: () => Promise<unknown>, drop = (): void => {}): Promise<Member> {
    // The lease is longer than any test: whoever waits for its end hangs.
    const cluster = await connect({ redis, lease: 60_000 } as ConnectOptions);
    return new Member(cluster, trip, drop);
  }

  /** Whether the lock is kept here after its release. */
  keeps(name: string): boolean {
    return (this.cluster as unknown as Internals).core.stays.staying.has(name);
  }

  async end(): Promise<void> {
    await this.cluster.close();
    this.drop();
  }
}

/** Takes turns with the others until the lock stays with the member after a release. */
export async function keepsOne(
  member: Member,
  others: readonly Member[],
  name: string,
): Promise<ClusterLock> {
  const lock = member.cluster.lock(name);
  let held = await lock.acquire();
  for (;;) {
    for (const other of others) other.waiting ??= other.cluster.lock(name).acquire();
    await until(async () => (await lock.describe()).waiting === others.length, 'the others to wait');
    await held.release();
    if (member.keeps(name)) return lock;
    const next = lock.acquire();
    // It queues a moment later: see that it is there before the others come again.
    await others[0]!.waiting;
    await others[0]!.trip();
    await until(async () => (await lock.describe()).waiting === others.length, 'the member to wait');
    // Each of the others has one turn, and queues again behind the member.
    for (const other of others) {
      const hold = await other.waiting!;
      await other.trip();
      await hold.release();
      // It does not come back at once: its lock does not stay.
      await other.trip();
      other.waiting = other.cluster.lock(name).acquire();
    }
    held = await next;
    await member.trip();
  }
}

/** All that wait come in, one after another. */
export async function pass(waits: readonly Promise<ClusterHold>[]): Promise<void> {
  for (const wait of waits) await (await wait).release();
}
