/**
 * Parking: the wait of a spare for its job. See spare.ts.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from '#clock';
import { inPhase } from '../../agents/child-context.ts';
import { inherit } from '../../agents/membership.ts';
import { readClone } from '../../codec/read-clone.ts';
import { v8 } from '../../codec/v8.ts';
import { platform } from '../../platform/current.ts';
import { assumeIdentity, MAIN_THREAD_NAME, newCounters } from '../identity.ts';
import { threw } from '../outcome.ts';
import {
  checkOwn,
  hasHeader,
  isBlank,
  PROGRESS,
  readHeader,
  readPart,
  writeHeader,
  writePart,
} from './job-file.ts';
import type { Preparation, SpareCommand } from './spare-command.ts';
import { READINESS, readCommand, WAKING } from './spare-command.ts';

const SIGKILL = 9;
/** Name of a spare until it has a job. */
const SPARE_NAME = 'Process-spare';

/** The function that a spare rehearses. */
export interface SpareOrder extends SpareCommand {
  readonly name: string;
  /** Whether the job has come already. */
  readonly hasJob: () => boolean;
}

/** Calls `begin` with the job's descriptor: at once, or in a spare when there is a job. */
export function whenGiven(
  argument: string,
  rehearse: (order: SpareOrder) => Promise<void>,
  begin: (job: string) => void,
): void {
  const command = readCommand(argument);
  if (command === undefined) begin(argument);
  else void prepare(command, rehearse).then(() => park(() => begin(command.job)));
}

async function prepare(command: SpareCommand, rehearse: (order: SpareOrder) => Promise<void>): Promise<void> {
  const fd = Number(command.job);
  checkOwn(fd);
  // A spare with modules to preload finds them in its job file. An early job may be half written.
  const isAhead = hasHeader(fd) && readHeader(fd).progress === PROGRESS.PREPARING;
  const preparation = isAhead ? (readClone(readPart(fd).content) as Preparation) : undefined;
  // Act as a child until the job comes.
  assumeIdentity({
    process: { name: SPARE_NAME, path: [], daemon: false, parent: preparation?.parent ?? null },
    thread: { name: MAIN_THREAD_NAME, daemon: false },
    counters: newCounters(),
  });
  // Run the path of a start once, so that V8 has compiled it.
  await rehearse({ ...command, name: SPARE_NAME, hasJob: () => !isAhead && !isBlank(fd) });
  if (preparation !== undefined) await loadAhead(fd, preparation);
}

/**
 * Ends this process when the thread that started it ends, or its process. Either may have ended
 * before the kernel was asked.
 *
 * @param thread the kernel's number of that thread, unless it is the parent's first
 */
export function dieWith(parent: number | undefined, thread?: number): void {
  platform.setParentDeathSignal(SIGKILL);
  if (process.ppid !== parent || (thread !== undefined && thread > 0 && platform.hasEnded(parent, thread)))
    process.kill(process.pid, 'SIGKILL');
}

/** *Blocks* until there is a job; ends this process if the parent has gone. */
function park(begin: () => void): void {
  sayReady();
  const isGiven = sleep() > 0;
  closeSync(WAKING);
  if (!isGiven) platform.endAtOnce(0);
  // The event loop has the time of before the sleep: a timer of the target's would fire at once.
  // It looks at the clock in each turn.
  setImmediate(begin);
}

function sayReady(): void {
  try {
    writeSync(READINESS, '!');
  } catch (error) {
    // The parent has stopped listening, or has gone: the pipe tells.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
  closeSync(READINESS);
}

/** Sleeps in read(2); returns how many bytes came. */
function sleep(): number {
  for (;;) {
    try {
      return readSync(WAKING, new Uint8Array(1));
    } catch (error) {
      // A signal came for which there is a handler.
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error;
    }
  }
}

/**
 * Loads the modules of `preload`. A spare that can't is useless: it reports the error, and ends.
 */
async function loadAhead(fd: number, { preload, folder, parent }: Preparation): Promise<void> {
  // A module that never comes to its end would keep it here.
  dieWith(parent.pid);
  const [module = ''] = preload;
  inherit({ folder, name: SPARE_NAME, target: { module, export: 'nothing yet' } });
  try {
    for (const url of preload) await inPhase('importing', () => import(url));
  } catch (error) {
    writePart(fd, PROGRESS.REFUSED, v8().serialize(threw(error, 'process').outcome));
    platform.endAtOnce(1);
  }
  platform.clearParentDeathSignal();
  writeHeader(fd, PROGRESS.PARKED, 0);
}
