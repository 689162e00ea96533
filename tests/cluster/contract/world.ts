/** World: a store under the contract's cases, and participants that connect to it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cluster, ClusterOptions } from 'lockstep/memory';
import { HANG_MS, until } from '../../support/until.ts';

export interface World {
  readonly name: string;
  /** A connection to a namespace of the test's own: a participant with a session of its own. */
  connect(options: ClusterOptions & { namespace: string }): Promise<Cluster>;
}

/** The parts that a case reaches into, to make a participant go silent. */
interface Internals {
  core: {
    session: { closed: boolean; lease: { losses: Set<unknown> } };
    bells: { ring(): void; ringAll(): void };
    calls: { lanes: { lanes: Map<string, { busy: boolean }> } };
  };
}

/** How to bring back those that were abandoned, for the end of the test. */
const abandoned = new WeakMap<Cluster, () => void>();

const LOOK_MS = 100;
let serial = 0;

/** Participants of one test. */
export class Company {
  readonly namespace: string = `test-${process.pid}-${++serial}`;
  private readonly world: World;
  private members: Cluster[] = [];
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(world: World) {
    this.world = world;
  }

  get worldName(): string {
    return this.world.name;
  }

  /** So many participants. The lease is long, where the case is not about its end. */
  async join<const N extends number>(count: N, options: ClusterOptions = {}): Promise<Cast<N>> {
    const { namespace } = this;
    const joined: Cluster[] = [];
    for (let i = 0; i < count; i++)
      joined.push(await this.world.connect({ lease: 20_000, ...options, namespace }));
    this.members.push(...joined);
    return joined as Cast<N>;
  }

  /**
   * As `join`, for members that have to notice the death of another: they look often, as if they
   * were rung. By themselves they look at each renewal of their lease, which must not be short: a
   * busy machine would let it end.
   */
  async watchful<const N extends number>(count: N): Promise<Cast<N>> {
    const joined = await this.join(count);
    const look = (): void => {
      for (const member of joined as Cluster[]) (member as unknown as Internals).core.bells.ringAll();
    };
    this.timers.push(setInterval(look, LOOK_MS));
    return joined;
  }

  async end(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    const members = this.members;
    this.members = [];
    for (const member of members) revive(member);
    await Promise.all(members.map((member) => member.close()));
  }
}

type Cast<N extends number, T extends Cluster[] = []> = number extends N
  ? Cluster[]
  : T['length'] extends N
    ? T
    : Cast<N, [...T, Cluster]>;

/**
 * Waits until none of its requests is under way: the server may give to such a request what it was
 * not to get, even if the participant falls silent or dies meanwhile.
 */
export async function atRest(cluster: Cluster): Promise<void> {
  const { lanes } = (cluster as unknown as Internals).core.calls.lanes;
  await until(() => [...lanes.values()].every(({ busy }) => !busy), 'its requests to be answered');
}

/** The participant stops looking at anything, until the result is called. */
export function silence(cluster: Cluster): () => void {
  const { bells } = (cluster as unknown as Internals).core;
  const { ring, ringAll } = bells;
  bells.ring = () => {};
  bells.ringAll = () => {};
  return () => {
    Object.assign(bells, { ring, ringAll });
    bells.ringAll();
  };
}

/** How many holds and waits want to know of the loss of its lease. */
export function watchers(cluster: Cluster): number {
  return (cluster as unknown as Internals).core.session.lease.losses.size;
}

/** The participant's process is gone: nothing is renewed, nothing released. */
export function abandon(cluster: Cluster): void {
  const { session } = (cluster as unknown as Internals).core;
  session.closed = true;
  const wake = silence(cluster);
  abandoned.set(cluster, () => {
    session.closed = false;
    wake();
  });
}

/** Brings it back if it was abandoned, so that it can be closed. */
export function revive(cluster: Cluster): void {
  abandoned.get(cluster)?.();
}

/** Cases that run at a time: they wait more than they work. */
const SIDE_BY_SIDE = 4;

/** A contract's cases over one world. */
export function cases(contract: string, world: World, define: (at: At) => void): void {
  describe(`${contract}: ${world.name}`, { concurrency: SIDE_BY_SIDE }, () => {
    define({
      it: (sentence, body) => {
        it(sentence, { timeout: HANG_MS }, async () => {
          const company = new Company(world);
          try {
            await body(company);
          } finally {
            await company.end();
          }
        });
      },
      omit: (sentence, reason) => {
        it(sentence, { skip: reason });
      },
    });
  });
}

export interface At {
  it(sentence: string, body: (company: Company) => Promise<void>): void;
  omit(sentence: string, reason: string): void;
}

/** Until so many calls wait for the object. */
export async function untilWaiting(
  object: { describe(): Promise<{ waiting: number }> },
  count: number,
): Promise<void> {
  await until(async () => (await object.describe()).waiting === count, `${count} to wait`);
}

/** Of a participant that dies: whatever comes of its call is nobody's. */
export function doomedCall(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}

/** The promise has not been settled yet, after all that was under way has arrived. */
export async function stillWaits(promise: Promise<unknown>, member: Cluster): Promise<void> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let i = 0; i < 5; i++) await member.value('a turn').get();
  assert.equal(settled, false, 'it came back too early');
}
