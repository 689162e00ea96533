/**
 * Rehearsal: the work of a spare before it waits, so that it is quick when it gets a job. Code that
 * runs for the first time is compiled, modules and the foreign functions are loaded: ten times as
 * much work as a start itself.
 *
 * The spare takes a seat in its parent's namespace, makes and uses a queue, and gives all of it
 * back. If it is killed meanwhile, it is reaped like every agent. A spare that may become a pool's
 * worker also does a task (`rehearseWork`).
 *
 * A job that has come in the meantime ends the rehearsal after the step that is being done.
 */

import { setImmediate } from '#clock';
import type { Agent } from '../agents/agent.ts';
import { inPhase } from '../agents/child-context.ts';
import { defaultAgent, forgetAgent, inherit } from '../agents/membership.ts';
import { packWhole, unpack } from '../codec/parcel.ts';
import { open, pack } from '../codec/plain.ts';
import { v8 } from '../codec/v8.ts';
import { LockstepError } from '../errors.ts';
import { resolveReference } from '../functions/resolving.ts';
import { Queue } from '../messaging/queue.ts';
import { CODE_ROOT, entryPoint } from '../package-root.ts';
import { platform } from '../platform/current.ts';
import { addressOf } from '../workers/gift.ts';
import { returned } from '../workers/outcome.ts';
import type { SpareOrder } from '../workers/process/parking.ts';
import {
  beginJob,
  finishJob,
  readJob,
  takeOutcome,
  writeJob,
  writeOutcome,
} from '../workers/process/process-files.ts';

/** The module that most targets import, found in the same way as a target. */
const INDEX = { module: new URL('index.js', CODE_ROOT).href, export: 'openShared' };
const TARGET = { ...INDEX, module: entryPoint('rehearsed').href };
/** A module of another URL is another module: loading one takes less time from time to time. */
const AGAIN = ['1', '2', '3', '4'].map((query) => ({ ...TARGET, module: `${TARGET.module}?${query}` }));
const TITLE = 'rehearsal';
/** Small, because V8 counts a mapping as its own memory until it is collected. */
const RING_BYTES = 64 * 1024;
const GARBAGE_WORDS = 4096;
/** 8 MB of garbage; V8 collects after one or two, unless its options say otherwise. */
const MOST_GARBAGE = 256;

export async function rehearse({ folder, entry, name, hasJob }: SpareOrder): Promise<void> {
  if (hasJob()) return;
  inherit({ folder, name, target: { module: '', export: 'none yet' } });
  platform.clearParentDeathSignal();
  let agent: Agent | undefined;
  try {
    for (const each of [INDEX, TARGET, ...AGAIN]) await inPhase('importing', () => resolveReference(each));
    if (hasJob()) return;
    agent = defaultAgent();
    handOver(agent);
    await useQueue();
    if (entry !== undefined && !hasJob()) {
      const { rehearse: rehearseEntry } = (await import(
        entryPoint(entry).href
      )) as typeof import('./pool-worker.ts');
      if (!hasJob()) await rehearseEntry();
    }
  } catch (error) {
    // No seat or no memory is free, or the parent has gone. The job will report that itself.
    if (!(error instanceof LockstepError)) throw error;
  } finally {
    if (agent !== undefined) forgetAgent(agent);
    collectYoung();
    // The event loop closes the bell, and it does not turn while the spare waits. It also runs the
    // collection that V8 has put off.
    await new Promise<void>((resolve) => void setImmediate(() => setImmediate(resolve)));
  }
}

/**
 * Makes garbage until V8 has collected its young objects, twice: then those that stay are old. The
 * next collection, of a millisecond, would else come in the middle of the job's beginning.
 */
function collectYoung(): void {
  let collected = 0;
  let before = 0;
  for (let made = 0; made < MOST_GARBAGE && collected < 2; made++) {
    new Array(GARBAGE_WORDS).fill(made);
    const used = youngBytes();
    if (used < before) collected++;
    before = used;
  }
}

function youngBytes(): number {
  const spaces = v8().getHeapSpaceStatistics();
  return spaces.find((space) => space.space_name === 'new_space')?.space_used_size ?? 0;
}

/** Writes and reads a job and its outcome, in a file of this process alone. */
function handOver(agent: Agent): void {
  const parent = addressOf(agent);
  const files = writeJob(
    agent,
    {
      identity: { name: agent.name, path: [1], daemon: true, parent: null },
      folder: agent.folder,
      target: TARGET,
      isMethod: false,
      cargo: pack([], 'process', TITLE, 'args').parcel,
      workingFolder: undefined,
      parent,
    },
    TITLE,
  );
  try {
    const job = readJob(String(files.fd)).job;
    beginJob(files);
    open(job.cargo);
    finishJob(files);
    writeOutcome(files, returned(1, 'process', TITLE), parent);
  } finally {
    takeOutcome(files);
  }
}

async function useQueue(): Promise<void> {
  using queue = new Queue<unknown>({ bytes: RING_BYTES });
  const { parcel } = packWhole([queue], 'process', `${TITLE}:`, 'args');
  unpack(parcel);
  await queue.put({ text: 'a', numbers: [1] });
  await queue.get();
}
