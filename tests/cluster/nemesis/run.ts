/**
 * Run: workers write to a resource under a lock. Meanwhile, as a seed decides, processes are
 * stopped and killed, connections cut, held and robbed of their replies, and the server is stopped
 * and restarted.
 *
 * The resource refuses a token that is smaller than one it has seen. The run checks that no two
 * holders have the same token, and that no worker whose write was refused still believes in its
 * hold. When the faults have ended, every worker must get its turn.
 *
 * A run in which no late write came would show nothing. So every second stop meets the holder, past
 * its lease, and the run continues until the resource has refused a write.
 */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../../soak/random.ts';
import { until } from '../../support/until.ts';
import type { Victim } from './faults.ts';
import { Crew, faultsOf, LEASE_MS } from './faults.ts';
import { ToxicProxy } from './proxy.ts';
import type { Refusal, Verdict, WorkerOptions, Write } from './worker.ts';

const WORKERS = 4;
/** Time within which a stopped holder must have written too late. */
const LATE_WRITE_MS = 60_000;
const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url));

export interface Seen {
  /** Writes that the resource accepted, and refused; refused while the hold was still valid. */
  accepted: number;
  refused: number;
  refusedWhileValid: number;
  /** Holders, by token. */
  readonly holders: Map<number, number>;
  /** Holds that followed another of the same worker without asking the server. */
  stays: number;
  faults: number;
}

export async function torment(
  victim: Victim,
  optionsAt: (port: number) => WorkerOptions,
  seed: number,
  milliseconds: number,
): Promise<Seen> {
  const random = new Random(seed);
  const proxy = await ToxicProxy.before(victim.port);
  const crew = new Crew(PROGRAM);
  const { workers, failures } = crew;
  const seen: Seen = {
    accepted: 0,
    refused: 0,
    refusedWhileValid: 0,
    holders: new Map(),
    stays: 0,
    faults: 0,
  };
  const last = new Map<ChildProcess, number>();
  let largest = 0;
  let holder: ChildProcess | undefined;

  const hear = (worker: ChildProcess, message: Write | Refusal): void => {
    if ('refused' in message) {
      if (message.valid) seen.refusedWhileValid++;
      return;
    }
    const { write, token } = message;
    if (!seen.holders.has(token) && seen.holders.get(token - 1) === worker.pid) seen.stays++;
    const first = seen.holders.get(token) ?? worker.pid!;
    seen.holders.set(token, first);
    if (first !== worker.pid) failures.push(`token ${token} has two holders`);
    const accepted = token >= largest;
    largest = Math.max(largest, token);
    if (accepted) {
      seen.accepted++;
      holder = worker;
    } else seen.refused++;
    last.set(worker, seen.accepted);
    if (worker.connected) worker.send({ write, accepted } satisfies Verdict, () => {});
  };
  const enter = (): void => {
    const options = { ...optionsAt(proxy.port), lease: LEASE_MS, namespace: `nemesis-${seed}` };
    crew.enter([JSON.stringify(options)], (worker, message) => hear(worker, message as Write | Refusal));
  };

  /** Until others have got in, and a moment longer. */
  const stopHolder = async (): Promise<void> => {
    const worker = holder !== undefined && workers.includes(holder) ? holder : random.pick(workers);
    worker.kill('SIGSTOP');
    await sleep(LEASE_MS * 1.4 + random.below(LEASE_MS));
    worker.kill('SIGCONT');
  };
  const replace = (worker: ChildProcess): void => {
    crew.kill(worker);
    enter();
  };
  const faults = [...faultsOf({ random, proxy, victim, crew, replace }), stopHolder];

  try {
    while (workers.length < WORKERS) enter();
    await until(() => seen.accepted > 20 || failures.length > 0, 'the workers to be at it');
    const end = performance.now() + milliseconds;
    while ((performance.now() < end || seen.refused === 0) && failures.length === 0) {
      const fault = performance.now() < end ? random.pick(faults) : stopHolder;
      assert.ok(
        performance.now() < end + LATE_WRITE_MS,
        'no late write was refused, however long the holder stood',
      );
      seen.faults++;
      await fault();
      await sleep(random.below(200));
    }
    const before = seen.accepted;
    const back = (): boolean => workers.every((worker) => (last.get(worker) ?? 0) > before);
    await until(() => back() || failures.length > 0, 'every worker to get the lock after the faults');
    assert.deepEqual(failures, [], `seed ${seed}`);
    return seen;
  } finally {
    crew.end();
    await proxy.close();
  }
}
