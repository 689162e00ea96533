/**
 * `lockstep/inspect`: holders, waiters, and the threads that keep others waiting, as data. An
 * inspection changes nothing: it joins no namespace, and locks and writes nothing.
 */

import type { FindingOptions, Findings } from './finding-types.ts';
import { findStuck } from './findings.ts';
import { takeSettledSnapshot } from './snapshot.ts';
import type { Snapshot } from './types.ts';
import { namespaceFolder } from './where.ts';
import { explain } from './why-text.ts';

export type { EndedBy, Holding } from '../agents/facts.ts';
export type { CallStack, ThreadStacks } from './asking.ts';
export { askForStacks, membersOf } from './asking.ts';
export type {
  AwaitedChild,
  Branch,
  ChildWait,
  Deadlock,
  Finding,
  FindingOptions,
  Findings,
  Keeper,
  Member,
  NobodyLeft,
  ObjectRef,
  OpenWait,
  PoolMember,
  PoolTaskSeen,
  PoolWait,
} from './finding-types.ts';
export { findStuck } from './findings.ts';
export type { PastDeadlock } from './last-deadlocks.ts';
export { explainPast, lastDeadlocks } from './last-deadlocks.ts';
export type { SnapshotOptions } from './snapshot.ts';
export { takeSettledSnapshot, takeSnapshot } from './snapshot.ts';
export { explainStacks } from './stacks-text.ts';
export type { Task } from './tasks.ts';
export type {
  AgentSnapshot,
  AwaitedEnd,
  BlockedSnapshot,
  ChildRef,
  ChildSnapshot,
  NamespaceSnapshot,
  ObjectSnapshot,
  PoolCallSnapshot,
  PoolSnapshot,
  PoolWorkerSnapshot,
  Snapshot,
  TaskSnapshot,
  WaitSnapshot,
  WorkSnapshot,
} from './types.ts';
export { SCHEMA } from './types.ts';
export { explain } from './why-text.ts';

/** A snapshot, with the findings in it. */
export interface Inspection extends Snapshot, Findings {
  /** The same in sentences, as `lockstep why` prints it. */
  readonly why: string;
}

/**
 * Looks at a namespace, by its name, or at all namespaces in which this process takes part.
 * *Blocks* the thread for a few milliseconds. Works even if every thread is stuck, because it
 * joins, locks and writes nothing.
 *
 * ```ts
 * setInterval(() => {
 *   const { findings, why } = inspectNamespace();
 *   if (findings.length > 0) process.stderr.write(why);
 * }, 60_000).unref();
 * ```
 *
 * @param options `least`: milliseconds after which a wait is reported
 * @throws {NameError} for a name that can't be a namespace's
 */
export function inspectNamespace(namespace?: string, options?: FindingOptions): Inspection {
  const whole = takeSettledSnapshot(namespace === undefined ? {} : { folders: [namespaceFolder(namespace)] });
  const snapshot: Snapshot =
    namespace === undefined
      ? {
          ...whole,
          namespaces: whole.namespaces.filter(({ agents }) => agents.some(({ pid }) => pid === process.pid)),
        }
      : whole;
  const findings = findStuck(snapshot, options);
  return { ...snapshot, ...findings, why: explain(findings, { least: options?.least }) };
}
