/**
 * Run: producers and consumers of two queues, while everything happens that can: faults.ts.
 *
 * `given` is read by `get`: no item is taken twice. An item is lost only with a consumer that died,
 * or lost its lease, while its `get` was under way.
 *
 * `lent` is read by `receive`: each item that was put is acknowledged in the end. None is delivered
 * after its consumer has had a reply to `ack`. None is delivered again without a reason: that it
 * was given back, that its time was over, or that its consumer had died or lost its lease.
 */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';
import { Random } from '../../soak/random.ts';
import { holds, until } from '../../support/until.ts';
import type { Victim } from './faults.ts';
import { Crew, faultsOf, LEASE_MS } from './faults.ts';
import { ToxicProxy } from './proxy.ts';
import type { Role, Step } from './queue-worker.ts';
import { VISIBLE_MS } from './queue-worker.ts';

const PROGRAM = fileURLToPath(new URL('./queue-worker.js', import.meta.url));
const CAST: readonly Role[] = ['puts', 'puts', 'gets', 'gets', 'receives', 'receives'];

export interface QueuesSeen {
  faults: number;
  /** Of `given`: items taken, and lost. Of `lent`: items acknowledged, and delivered again. */
  got: number;
  lost: number;
  acked: number;
  again: number;
}

interface Delivery {
  readonly worker: ChildProcess;
  readonly began: number;
  isBack: boolean;
}

/** A delivery that took the place of another, too early unless that one's worker had lost it. */
interface Suspect {
  readonly before: Delivery;
  /** Whether that delivery may have been given back. */
  readonly mayBeBack: boolean;
  readonly what: string;
}

/** What is known of the items. */
class Ledger {
  readonly failures: string[];
  readonly put = new Set<string>();
  readonly got = new Set<string>();
  readonly acking = new Set<string>();
  readonly acked = new Set<string>();
  /** How often a consumer by `get` died or lost its lease: each time an item may be lost. */
  excuses = 0;
  again = 0;
  private readonly suspects: Suspect[] = [];
  private readonly putting = new Set<string>();
  private readonly taken = new Set<string>();
  private readonly deliveries = new Map<string, Delivery>();
  /** The last delivery to each worker, which has one at a time. */
  private readonly lastTo = new Map<ChildProcess, Delivery>();
  /** When workers have lost their last lease; those that died have no end of it. */
  private readonly losses = new Map<ChildProcess, number>();
  private readonly roles: ReadonlyMap<ChildProcess, Role>;

  constructor(failures: string[], roles: ReadonlyMap<ChildProcess, Role>) {
    this.failures = failures;
    this.roles = roles;
  }

  isGone(worker: ChildProcess, at = Number.POSITIVE_INFINITY): void {
    this.losses.set(worker, Math.max(at, this.losses.get(worker) ?? 0));
    if (this.roles.get(worker) === 'gets') this.excuses++;
  }

  /**
   * What nothing explains. A worker that was stopped reports its loss late. What one worker put or
   * gave back may be heard after another has reported that it has received it.
   */
  get unexplained(): string[] {
    const isLost = ({ worker, began }: Delivery): boolean => (this.losses.get(worker) ?? 0) >= began;
    const isBack = ({ before, mayBeBack }: Suspect): boolean => mayBeBack && before.isBack;
    const left = this.suspects.filter((each) => !isBack(each) && !isLost(each.before));
    const unknown = [...this.taken].filter((item) => !this.putting.has(item));
    return [...left.map(({ what }) => what), ...unknown.map((item) => `${item} was never put`)];
  }

  note(worker: ChildProcess, step: Step): void {
    if (step.step === 'lost') {
      this.isGone(worker, step.at);
      return;
    }
    const { item } = step;
    if (step.step === 'putting') this.putting.add(item);
    if (step.step === 'put') this.put.add(item);
    if (step.step === 'acking') this.acking.add(item);
    if (step.step === 'acked') this.acked.add(item);
    if (step.step === 'back') this.lastTo.get(worker)!.isBack = true;
    if (step.step !== 'got' && step.step !== 'received') return;
    this.taken.add(item);
    if (step.step === 'got') {
      if (this.got.has(item)) this.failures.push(`${item} was taken twice`);
      this.got.add(item);
    } else this.receive(worker, step);
  }

  private receive(worker: ChildProcess, step: Step & { step: 'got' | 'received' }): void {
    const { item, began, ended } = step;
    const before = this.deliveries.get(item);
    const delivery = { worker, began, isBack: false };
    // A worker that was stopped reports a delivery of long ago: then it loses its lease, too.
    if (this.acked.has(item))
      this.suspects.push({
        before: delivery,
        mayBeBack: false,
        what: `${item} came again after it was acknowledged`,
      });
    this.deliveries.set(item, delivery);
    this.lastTo.set(worker, delivery);
    if (before === undefined) return;
    this.again++;
    const most = ended - before.began;
    if (most >= VISIBLE_MS) return;
    this.suspects.push({
      before,
      mayBeBack: true,
      what: `${item} was delivered again within ${most} ms, without a reason`,
    });
  }
}

export async function tormentQueues(
  victim: Victim,
  optionsAt: (port: number) => ConnectOptions,
  seed: number,
  milliseconds: number,
): Promise<QueuesSeen> {
  const random = new Random(seed);
  const proxy = await ToxicProxy.before(victim.port);
  const crew = new Crew(PROGRAM);
  const { failures } = crew;
  const roles = new Map<ChildProcess, Role>();
  const ledger = new Ledger(failures, roles);
  const namespace = `nemesis-queues-${seed}`;
  const enter = (role: Role): void => {
    const options = { ...optionsAt(proxy.port), lease: LEASE_MS, namespace };
    const hear = (worker: ChildProcess, message: unknown): void => ledger.note(worker, message as Step);
    roles.set(crew.enter([role, JSON.stringify(options)], hear), role);
  };
  const replace = (worker: ChildProcess): void => {
    crew.kill(worker);
    ledger.isGone(worker);
    enter(roles.get(worker)!);
  };
  const faults = faultsOf({ random, proxy, victim, crew, replace });
  let count = 0;
  try {
    for (const role of CAST) enter(role);
    const isFailed = (): boolean => failures.length > 0;
    await until(() => (ledger.got.size > 20 && ledger.acked.size > 20) || isFailed(), 'items to flow');
    const end = performance.now() + milliseconds;
    while (performance.now() < end && !isFailed()) {
      count++;
      await random.pick(faults)();
      await sleep(random.below(200));
    }
    for (const worker of crew.workers) worker.send('no more puts');
    await using cluster = await connect({ ...optionsAt(victim.port), namespace });
    const isEmpty = async (): Promise<boolean> => {
      const stands = await Promise.all(['lent', 'given'].map((name) => cluster.queue(name).describe()));
      return stands.every(({ size, received }) => size + received === 0);
    };
    // Reports of what was taken last are still on their way.
    const left = (): string[] => [...ledger.put].filter((item) => !isOver(ledger, item));
    const over = async (): Promise<boolean> => isFailed() || ((await isEmpty()) && left().length === 0);
    await until(over, 'each item that was put to have come to its end').catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}; left: ${left().join(', ')}`);
    });
    // A worker that was stopped until now learns within a lease that it has lost its own.
    const isExplained = (): boolean => isFailed() || ledger.unexplained.length === 0;
    await holds(isExplained);
    assert.deepEqual([...failures, ...ledger.unexplained], [], `seed ${seed}`);
    const { got, acked, again } = ledger;
    return { faults: count, got: got.size, lost: lostOf(ledger), acked: acked.size, again };
  } finally {
    crew.end();
    await proxy.close();
  }
}

/** Even numbers are lent, odd ones given. */
function isLent(item: string): boolean {
  return Number(item.slice(item.indexOf('-') + 1)) % 2 === 0;
}

function lostOf({ put, got }: Ledger): number {
  return [...put].filter((item) => !isLent(item) && !got.has(item)).length;
}

/**
 * Whether the item that was put has come to its end. Those lost in a `get` have to have excuses.
 */
function isOver(ledger: Ledger, item: string): boolean {
  if (isLent(item)) return ledger.acking.has(item);
  return ledger.got.has(item) || lostOf(ledger) <= ledger.excuses;
}
