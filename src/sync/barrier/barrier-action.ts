/**
 * Action: the function that one party runs in each round of a barrier, and its record for the
 * others.
 *
 * A barrier that was made with an action has ACTS in its FACTS. A handle names only the barrier.
 * The action's module and export are in the barrier's file of data. A party that has to run the
 * action, and was not passed it, looks them up there.
 *
 *   data-<cell>-<generation>          the reference, as JSON: written by the party that was passed
 *                                     the action, before it gives a handle away
 *   item-<cell>-<generation>-<256+s>  how the action failed in agent s, as JSON: written by that
 *                                     agent, before it breaks the round
 *   item-<cell>-<generation>-<s>      either of them while agent s writes it
 *
 * A file is written whole under another name and then renamed. RECORDED is set in FACTS afterwards.
 * Killed before the rename, the writer leaves a file that goes with the barrier, as ACTS says that
 * it has files. Killed between rename and RECORDED, it has given no handle away; the next party
 * that is asked for one writes the file again. Two writers at once: the last rename counts, and
 * both were passed an action for this barrier.
 *
 * A function that no module exports can't be recorded. It runs in the thread that was passed it. A
 * party elsewhere that would have to run it breaks the round and reports that.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';
import { load, setBits } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { DeadlockError, LayoutError, TargetError } from '../../errors.ts';
import { referenceTo } from '../../functions/reference.ts';
import type { FunctionReference } from '../../functions/resolving.ts';
import { resolveReference, resolveReferenceNow } from '../../functions/resolving.ts';
import { itemFile, readSmallFile, replaceFile } from '../../namespaces/data-files.ts';
import { dataFile } from '../../namespaces/paths.ts';
import { FACTS_WORD } from './barrier-facts.ts';
import { RECORDED_BIT } from './raw-barrier.ts';

export type Action = () => unknown;

/** Bytes of a file of this module, at most. */
const MOST_BYTES = 65_536;
const MOST_MESSAGE = 4000;
const FAILURES = 256;
const MODULE_FORM = /^(file|data|https?):/;

/** An action within which code runs. */
interface Frame {
  readonly here: ActionHere;
  readonly round: number;
  readonly outer: Frame | undefined;
}

/**
 * The innermost action around the running code. Made by the first action that may await, because
 * reading it has a cost.
 */
let frames: AsyncLocalStorage<Frame> | undefined;

/** How an action failed in another party. */
export interface Failure {
  readonly generation: number;
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
}

/** The action of one barrier in this thread, for all objects that stand for the barrier. */
export class ActionHere {
  /** The action, once this thread has it. */
  private found: Action | undefined;
  private readonly cell: Cell;
  /** Rounds whose action runs in this thread. */
  private readonly running = new Set<number>();

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /** The action of the cell in this thread. */
  static of(cell: Cell): ActionHere {
    cell.extension ??= new ActionHere(cell);
    return cell.extension as ActionHere;
  }

  /** This thread was passed the action. */
  give(action: Action): void {
    this.found ??= action;
  }

  /** Finds the action, where it may be imported first. Throws `TargetError`. */
  async find(title: string): Promise<Action> {
    if (this.found !== undefined) return this.found;
    const reference = readReference(this.cell, title);
    try {
      this.found = await resolveReference(reference);
    } catch (error) {
      throw notFound(title, reference, error);
    }
    return this.found;
  }

  /** The same at once. */
  findNow(title: string): Action {
    if (this.found !== undefined) return this.found;
    const reference = readReference(this.cell, title);
    try {
      this.found = resolveReferenceNow(reference);
    } catch (error) {
      throw notFound(title, reference, error);
    }
    return this.found;
  }

  /** Runs the action for that round, until what it returns is settled. */
  async run(round: number, action: Action): Promise<void> {
    frames ??= new AsyncLocalStorage();
    this.running.add(round);
    try {
      await frames.run({ here: this, round, outer: frames.getStore() }, action);
    } finally {
      this.running.delete(round);
    }
  }

  /** The same at once; `check` looks at what the action returned. */
  runNow(round: number, action: Action, check: (returned: unknown) => void): void {
    this.running.add(round);
    try {
      check(action());
    } finally {
      this.running.delete(round);
    }
  }

  /**
   * Throws `DeadlockError` if the action of that round can't end before a call that would wait for
   * its end. That is a call within the action, or one that blocks the action's thread.
   */
  refuseWithin(round: number, title: string, blocks: boolean): void {
    if (!this.running.has(round) || !(blocks || this.isAround(round))) return;
    const { agent } = this.cell;
    const identity = agent.namespace.identity(agent.slot);
    throw new DeadlockError(
      `${title}: deadlock, the action of its round runs in this ${blocks ? 'thread' : 'flow'}, ` +
        'and the wait would not end before the action does; wait when the action has ended',
      [{ ...identity, holds: title, waitsFor: title, blocked: blocks, stack: null }],
    );
  }

  private isAround(round: number): boolean {
    for (let frame = frames?.getStore(); frame !== undefined; frame = frame.outer) {
      if (frame.here === this && frame.round === round) return true;
    }
    return false;
  }
}

/**
 * Makes the action known to all who open the barrier. Throws `TargetError` where no module exports
 * it.
 */
export function recordAction(cell: Cell, action: Action, title: string): void {
  const { agent, number, generation, words, at } = cell;
  if ((load(words, at + FACTS_WORD) & RECORDED_BIT) !== 0) return;
  const reference = referenceTo(action, `${title}: its action is`);
  const text = JSON.stringify(reference);
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new TargetError(
      `${title}: its action is refused, the URL of its module has ${reference.module.length} characters; put it into a file`,
    );
  }
  replaceFile(
    agent.namespace.directory,
    dataFile(number, generation),
    itemFile(number, generation, agent.slot),
    text,
  );
  // PUBLISH reference -> RECORDED
  setBits(words, at + FACTS_WORD, RECORDED_BIT);
}

/** Whether the action can be looked up. */
export function isRecorded({ words, at }: Cell): boolean {
  return (load(words, at + FACTS_WORD) & RECORDED_BIT) !== 0;
}

/** Records for the other parties how the action failed here. */
export function recordFailure(cell: Cell, round: number, error: unknown): void {
  const { agent, number, generation } = cell;
  const text = JSON.stringify(failureOf(round, error));
  const item = (n: number): string => itemFile(number, generation, n);
  replaceFile(agent.namespace.directory, item(FAILURES + agent.slot), item(agent.slot), text);
}

/**
 * How the action of that round failed in the agent of that slot; `undefined` if that is not known.
 */
export function readFailure(cell: Cell, round: number, slot: number): Failure | undefined {
  const { agent, number, generation } = cell;
  try {
    const text = readSmallFile(
      agent.namespace.directory,
      itemFile(number, generation, FAILURES + slot),
      MOST_BYTES,
    );
    const failure = text === undefined ? undefined : (JSON.parse(text) as Failure);
    return failure?.generation === round ? failure : undefined;
  } catch {
    // The file is damaged, or the folder is gone. The text only supplements an error that is thrown
    // anyway.
    return undefined;
  }
}

function failureOf(generation: number, error: unknown): Failure {
  try {
    const { name, code, message } = error as { name: unknown; code: unknown; message: unknown };
    const text = typeof message === 'string' ? message : inspect(error);
    return {
      generation,
      name: typeof name === 'string' ? name.slice(0, MOST_MESSAGE) : 'Error',
      code: typeof code === 'string' ? code.slice(0, MOST_MESSAGE) : undefined,
      message: text.slice(0, MOST_MESSAGE),
    };
  } catch {
    // The thrown value throws when it is read, so only the failure itself can be reported.
    return { generation, name: 'Error', code: undefined, message: 'it can not be shown' };
  }
}

function readReference(cell: Cell, title: string): FunctionReference {
  if (!isRecorded(cell)) {
    throw new TargetError(
      `${title}: its action can't be run here, no module exports the function that the barrier was made with; ` +
        'export that function, or let the thread that made the barrier come last',
    );
  }
  // OBSERVE reference -> RECORDED
  const text =
    readSmallFile(cell.agent.namespace.directory, dataFile(cell.number, cell.generation), MOST_BYTES) ?? '';
  const reference = parse(text);
  if (reference !== undefined) return reference;
  throw new LayoutError(
    `${title}: its action can't be run here, its record is ${JSON.stringify(text.slice(0, 60))}; make the barrier again`,
  );
}

function parse(text: string): FunctionReference | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const { module, export: name } = found as Record<string, unknown>;
  const sound = typeof module === 'string' && MODULE_FORM.test(module) && typeof name === 'string';
  return sound ? (found as FunctionReference) : undefined;
}

function notFound(title: string, { module, export: name }: FunctionReference, cause: unknown): TargetError {
  const awaits =
    ((cause as Error).cause as NodeJS.ErrnoException | null)?.code === 'ERR_REQUIRE_ASYNC_MODULE';
  const why = awaits
    ? 'that module awaits at its top level, which a blocked thread can not do'
    : (cause as Error).message;
  const advice = awaits
    ? 'use "await barrier.wait()", pass the barrier as an argument of the child, or put the action into a module that does not await at its top level'
    : 'see its cause';
  return new TargetError(`${title}: its action "${name}" of ${module} can't be run here, ${why}; ${advice}`, {
    cause,
  });
}
