/**
 * Deaths: the fate of the tasks of a worker that has ended. For the steps see task-table.ts.
 */

import { constants } from 'node:os';
import { inspect } from 'node:util';
import { now } from '#park';
import type { WorkerDeath } from '../errors.ts';
import { NotSendableError, WorkerDiedError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import type { Engine } from './engine.ts';
import { LEFT_OUT } from './keyed-tasks.ts';
import type { Member } from './member.ts';
import { MODE, MODE_MASK } from './messages.ts';
import type { LostItem, PoolTask } from './pool-task.ts';
import { PHASE, phaseOf, workerOf } from './slot-words.ts';
import { argumentsOf } from './statistics.ts';
import type { TaskTable } from './task-table.ts';

/** Exit code of a shell's child that a signal has ended, less the signal. */
const FIRST_SIGNAL_CODE = 128;
/** How often a task is put again after a worker may have failed to read it. */
const MOST_READINGS = 2;
/** Milliseconds in which a live worker has to claim the item that it has taken. */
const CLAIM_TIME = 50;

/** Ends the tasks of a worker that has ended: they run again, or reject with `WorkerDiedError`. */
export function settleDead(engine: Engine, member: Member, title: string, known: unknown): void {
  // Read all its results first: a result that it put counts.
  engine.reading.drainFrom(member);
  // An uncaught error ends a process with an exit code above 0, unless the program has handled it.
  const cause = known ?? ((member.child.exitCode ?? 0) > 0 ? member.uncaught : undefined);
  const { tasks, table, slots } = engine.handOut;
  // Take back the tasks of its own ring that it has not begun.
  engine.handOut.keyed?.orphan(member);
  let isDoubtful = false;
  // Find its tasks: those that it ran, and perhaps one that it had taken and not claimed.
  for (let slot = 0; slot < tasks.length; slot++) {
    const task = tasks[slot];
    if (task === undefined) continue;
    const state = table.state(slot);
    const phase = phaseOf(state);
    if (phase === PHASE.QUEUED) isDoubtful ||= slots.ownRing(slot) === undefined && slots.isTaken(slot);
    else if (workerOf(state) === member.index) lose(engine, task, member, title, cause);
  }
  // Free the slots that rested because of it.
  slots.seen(member);
  engine.handOut.keyed?.gone(member);
  // Give a slow live worker time to claim; then take back what is still unclaimed.
  if (isDoubtful)
    engine.alarms.set(CLAIM_TIME, () => {
      const error = (task: PoolTask): Error => deathOf(engine, member, task, title, cause, 'had just taken');
      takeBackUnclaimed(engine, error, Number.POSITIVE_INFINITY, undefined);
    });
}

/**
 * A worker can't read an item that it has taken. Its task is unknown, so each task that was taken
 * and not claimed is put again, unless that has happened to it too often.
 */
export function takeBackUnread(engine: Engine, member: Member, title: string, cause: unknown): void {
  const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : inspect(cause);
  const error = (task: PoolTask): Error =>
    new NotSendableError(
      `${title}: no result, worker ${member.id} can't read the arguments of ${task.fn.name}(${argumentsOf(task)}) (${why}); see the cause`,
      { cause },
    );
  takeBackUnclaimed(engine, error, MOST_READINGS, member);
}

/**
 * Puts again each task that was taken from the pool's ring, or the worker's own, and not claimed.
 * After `most` times it rejects the task.
 */
function takeBackUnclaimed(
  engine: Engine,
  error: (task: PoolTask) => Error,
  most: number,
  member: Member | undefined,
): void {
  const { tasks, table, slots } = engine.handOut;
  // Read all results first: later results come from workers that have claimed or dropped their
  // items.
  engine.reading.drainAll();
  for (let slot = 0; slot < tasks.length; slot++) {
    const task = tasks[slot];
    if (task === undefined || phaseOf(table.state(slot)) !== PHASE.QUEUED || !slots.isTaken(slot)) continue;
    // Leave the own rings of other workers alone: nobody else takes from these.
    const own = slots.ownRing(slot);
    if (own !== undefined && own !== member?.own?.channel.ring) continue;
    // Take it back by compare-and-swap: a late claim then fails.
    if (!slots.takeBack(task)) continue;
    engine.handOut.left(task);
    // Put it again, or reject it.
    const more = task.needMore();
    more.takenBack++;
    // Unless they were sealed, mutable arguments may have changed since the call.
    const isSame = more.chunk !== undefined || task.sealed !== undefined || isConstant(task);
    if (isSame && more.takenBack <= most) engine.handOut.again(task);
    else engine.settling.settle(task, false, error(task));
  }
}

function lose(engine: Engine, task: PoolTask, member: Member, title: string, cause: unknown): void {
  const { more, slot } = task;
  // Read the cursor, and only then free the slot.
  const { next, end } = engine.handOut.table.cursor(slot);
  engine.handOut.slots.release(task);
  engine.handOut.left(task);
  engine.settling.lost();
  const error = (): Error => deathOf(engine, member, task, title, cause, 'was running');
  // A chunk: its run puts the rest of the items again.
  if (more?.chunk !== undefined) {
    more.chunk.lost(next, end, (lostItem) =>
      deathOf(engine, member, task, title, cause, 'was running', lostItem),
    );
    // The rest of the items was put as other tasks, so this task is over, and keeps no pool open.
    engine.settling.settle(task, false, undefined, false, false);
    return;
  }
  // A call with retries left: put it again. Otherwise reject it.
  if (task.resolve !== undefined && more !== undefined && more.lost < more.retries) {
    more.lost++;
    engine.handOut.again(task);
    return;
  }
  engine.settling.settle(task, false, task.resolve === undefined ? undefined : error());
}

/**
 * The outcome of a task that was pinned to a worker which has not begun it: `LEFT_OUT` if the
 * worker ended as planned.
 */
export function notBegun(engine: Engine, task: PoolTask, member: Member, title: string): unknown {
  if (member.stopping || member.state === 'retiring') return LEFT_OUT;
  return deathOf(engine, member, task, title, undefined, 'was to run');
}

function isConstant(task: PoolTask): boolean {
  const { payload, mode } = task;
  return (mode & MODE_MASK) === MODE.CALL && (payload as unknown[]).every((each) => Object(each) !== each);
}

function deathOf(
  engine: Engine,
  member: Member,
  task: PoolTask,
  title: string,
  cause: unknown,
  did: string,
  lostItem?: LostItem,
): WorkerDiedError {
  const { id, child, born, killed } = member;
  const isProcess = 'pid' in child;
  const code = child.exitCode ?? 0;
  const signal = isProcess && code < 0 ? signalNamed(-code) : undefined;
  const shown = `${task.fn.name}(${argumentsOf(task, lostItem?.index)})`;
  const attempts = (lostItem?.lost ?? task.more?.lost ?? 0) + 1;
  const others =
    lostItem === undefined || lostItem.others === 0 ? '' : ` or one of ${lostItem.others} other items`;
  const outOfMemory = isOutOfMemory(member, engine.handOut.table, cause);
  const how = signal === undefined ? `has ended with exit code ${code}` : `was killed by ${signal}`;
  const lived = Math.round(now() - born);
  const who = isProcess ? `pid ${id}` : `thread ${id}`;
  const tried = attempts === 1 ? '' : `, in attempt ${attempts}`;
  const why = cause instanceof Error ? ` (${cause.message.split('\n', 1)[0]})` : '';
  const advice = outOfMemory
    ? 'it seems to have run out of memory: give Node more (--max-old-space-size), make the tasks smaller, or use fewer workers'
    : killed
      ? 'another task had to be ended by force; allow more grace, or a concurrency of 1'
      : attempts > 1
        ? 'its retries are used up; look at what the function does with these arguments'
        : 'look at what the function does with these arguments; if it may run twice, pass { retries }';
  const death: WorkerDeath = { pid: id, exitCode: code, signal, outOfMemory, attempts, task: shown };
  return new WorkerDiedError(
    `${title}: no result, the worker (${who}) that ${did} ${shown}${others} ${how}, ${lived} ms after its start${tried}${why}; ${advice}`,
    cause === undefined ? undefined : { cause },
    death,
  );
}

/** The cause of a worker's unplanned end. */
export function causeOfEnd(
  member: Member,
  table: TaskTable,
  cause: unknown,
): 'exit' | 'signal' | 'outOfMemory' | 'grace' {
  if (member.killed) return 'grace';
  if (isOutOfMemory(member, table, cause)) return 'outOfMemory';
  return (member.child.exitCode ?? 0) < 0 ? 'signal' : 'exit';
}

function signalNamed(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, each]) => each === number);
  return found?.[0] as NodeJS.Signals | undefined;
}

/**
 * Whether the worker ran out of memory. V8 aborts when its heap is full; a worker notes its own
 * calls of `process.abort`. A thread ends with an error that says so. The kernel kills with
 * SIGKILL, and counts such kills.
 */
function isOutOfMemory(
  { index, child, killed, killsBefore }: Member,
  table: TaskTable,
  cause: unknown,
): boolean {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') return true;
  if (!('pid' in child)) return false;
  const { SIGABRT, SIGKILL } = constants.signals;
  const code = child.exitCode ?? 0;
  if (code === -SIGABRT || code === FIRST_SIGNAL_CODE + SIGABRT) return !table.workers.hasAborted(index);
  const kills = code === -SIGKILL && !killed ? platform.outOfMemoryKills() : undefined;
  return kills !== undefined && killsBefore !== undefined && kills > killsBefore;
}
