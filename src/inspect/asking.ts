/**
 * Asking: has threads write down where they are. It joins, locks and maps nothing. For each
 * namespace it raises one word, in the file, and nudges the threads by the FIFOs on which they
 * sleep. For the protocol see agents/whereabouts.ts.
 */

import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { hrtime } from 'node:process';
import { now } from '#clock';
import type { Whereabouts } from '../agents/whereabouts.ts';
import { LAYOUT_VERSION, MAGIC, MAGIC_WORD, REPORT_WORD, TIME_MASK, VERSION_WORD } from '../memory/layout.ts';
import { bellFile, CONTROL, rouseFile, takenFile, whereaboutsFile } from '../namespaces/paths.ts';
import { sleep } from '../sleep.ts';
import { readSmallFile } from './copy.ts';
import type { Findings, Member } from './finding-types.ts';
import { POOL_ROLES } from './pools.ts';
import type { NamespaceSnapshot, Snapshot } from './types.ts';
import { flatten } from './waits-behind.ts';

const CAREFUL = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/**
 * Milliseconds for an answer of a thread that waits: one that joins another looks around every half
 * second.
 */
const PATIENCE = 1500;
/** The same for other threads, which answer only if their event loop gets its turn. */
const SHORT_PATIENCE = 300;
/** Milliseconds between looks for answers. */
const BETWEEN = 4;
/** Maximum number of threads that are asked at once. */
const MOST_ASKED = 40;
/** The ring 0: poll everything. */
const RING = new Uint8Array(4);

/** A place in a program's code, beside the object that it is about. */
export interface CallStack {
  readonly title: string;
  /** Milliseconds for which the call has waited; `null` for a holding. */
  readonly lasted: number | null;
  /** Frames of the program, one a line. */
  readonly stack: string;
}

/** The answer of a thread that was asked for its stacks, or the lack of one. */
export interface ThreadStacks {
  readonly member: Member;
  readonly answered: boolean;
  /** The program's frames of its blocked call; `null` where it is not blocked. */
  readonly stack: string | null;
  /** Its awaiting calls, from where they began. */
  readonly calls: readonly CallStack[];
  /** How many more of them there are. */
  readonly more: number;
  /** The stacks where it took the objects that it holds, if those record them (`stacks`). */
  readonly taken: readonly CallStack[];
}

/**
 * Asks at most 40 threads for their stacks. *Blocks* until all waiting threads have answered, for
 * 1.5 s at most. Writes one word into each namespace, and wakes the threads up for a moment.
 */
export function askForStacks(snapshot: Snapshot, members: readonly Member[]): ThreadStacks[] {
  // A child without an agent has nothing by which it could be asked.
  const asked = distinct(members.filter(({ slot }) => slot > 0)).slice(0, MOST_ASKED);
  const since = commonTime();
  for (const folder of new Set(asked.map((member) => member.folder))) raiseRequests(folder);
  for (const { folder, slot } of asked) {
    nudge(`${folder}/${rouseFile(slot)}`, RING.subarray(0, 1));
    nudge(`${folder}/${bellFile(slot)}`, RING);
  }
  const answers = new Map<Member, Whereabouts>();
  for (const begin = now(); ; sleep(BETWEEN)) {
    for (const member of asked) {
      const answer = answers.has(member) ? undefined : readAnswer(member, since);
      if (answer !== undefined) answers.set(member, answer);
    }
    const waited = now() - begin;
    const isMissing = (member: Member): boolean =>
      !answers.has(member) && waited < (isWaiting(member) ? PATIENCE : SHORT_PATIENCE);
    if (!asked.some(isMissing)) break;
  }
  return asked.map((member) => stacksOf(snapshot, member, answers.get(member)));
}

/** The threads that findings are about. */
export function membersOf({
  findings,
  open,
  pools,
  children,
}: Pick<Findings, 'findings' | 'open' | 'pools' | 'children'>): Member[] {
  return [
    ...findings.flatMap((finding) => {
      if (finding.kind === 'keeper')
        return [finding.by, ...flatten(finding.behind).map(({ member }) => member)];
      const [first, rest] =
        finding.kind === 'deadlock'
          ? [finding.members, flatten(finding.behind)]
          : [finding.others, flatten(finding.waiters)];
      return [...first, ...rest.map(({ member }) => member)];
    }),
    ...open.flatMap(({ waiters, openIn }) => [...flatten(waiters).map(({ member }) => member), ...openIn]),
    ...pools.flatMap(({ owner, tasks, starting }) => [
      ...[...tasks.map(({ by }) => by), ...starting].flatMap(({ member }) => member ?? []),
      owner,
    ]),
    ...children.flatMap(({ by, children: awaited }) => [
      by,
      ...awaited.flatMap(({ member }) => member ?? []),
    ]),
  ];
}

function distinct(members: readonly Member[]): Member[] {
  const seen = new Map<string, Member>();
  for (const member of members) {
    const key = `${member.pid} ${member.threadId} ${member.state === 'dead'}`;
    if (!seen.has(key)) seen.set(key, member);
  }
  return [...seen.values()];
}

/** Whether the thread waits and can answer. Suspended and dead threads don't answer. */
function isWaiting({ state }: Member): boolean {
  return state === 'blocked' || state === 'awaits';
}

function commonTime(): number {
  return Number(hrtime.bigint() / 1_000_000n) & TIME_MASK;
}

/** Raises the count of requests; leaves namespaces of another layout alone. */
function raiseRequests(folder: string): void {
  withFile(`${folder}/${CONTROL}`, constants.O_RDWR, (fd) => {
    if (!fstatSync(fd).isFile()) return;
    const words = new Int32Array(REPORT_WORD + 1);
    if (readSync(fd, words, 0, words.byteLength, 0) < words.byteLength) return;
    if (words[MAGIC_WORD] !== MAGIC || words[VERSION_WORD] !== LAYOUT_VERSION) return;
    const raised = Int32Array.of((words[REPORT_WORD]! + 1) & TIME_MASK);
    writeSync(fd, raised, 0, raised.byteLength, REPORT_WORD * 4);
  });
}

/** Writes the bytes into the FIFO, if it has a reader and room. */
function nudge(path: string, bytes: Uint8Array): void {
  withFile(path, constants.O_WRONLY, (fd) => {
    if (fstatSync(fd).isFIFO()) writeSync(fd, bytes);
  });
}

/**
 * Files that can't be opened or written are skipped: that thread does not answer, which is
 * reported.
 */
function withFile(path: string, how: number, act: (fd: number) => void): void {
  let fd: number;
  try {
    fd = openSync(path, how | CAREFUL);
  } catch {
    return;
  }
  try {
    act(fd);
  } catch {
    // Skipped, as described above.
  } finally {
    closeSync(fd);
  }
}

/** The thread's answer, if it has written one since. */
function readAnswer({ folder, slot, pid, threadId }: Member, since: number): Whereabouts | undefined {
  const text = readSmallFile(`${folder}/${whereaboutsFile(slot)}`, 262_144);
  if (text === undefined) return undefined;
  let answer: Partial<Whereabouts>;
  try {
    answer = (JSON.parse(text) ?? {}) as Partial<Whereabouts>;
  } catch {
    // Damaged.
    return undefined;
  }
  const { at, stack, calls, more } = answer;
  if (answer.pid !== pid || answer.threadId !== threadId || typeof at !== 'number') return undefined;
  const isNew = ((at - since) & TIME_MASK) < TIME_MASK / 2;
  const isSound =
    (stack === null || typeof stack === 'string') &&
    Array.isArray(calls) &&
    calls.every((call) => typeof call?.stack === 'string' && typeof call.lasted === 'number');
  return isNew && isSound && typeof more === 'number' ? { pid, threadId, at, stack, calls, more } : undefined;
}

function stacksOf(snapshot: Snapshot, member: Member, answer: Whereabouts | undefined): ThreadStacks {
  const namespace = snapshot.namespaces.find(({ folder }) => folder === member.folder);
  const titleOf = (cell: number): string =>
    namespace?.objects.find((object) => object.cell === cell)?.title ?? `#${cell}`;
  const isBed = (cell: number): boolean =>
    namespace?.objects.find((object) => object.cell === cell)?.part?.role === POOL_ROLES.BED;
  return {
    member,
    answered: answer !== undefined,
    stack: answer?.stack ?? null,
    calls: (answer?.calls ?? [])
      .filter(({ cell }) => !isBed(cell))
      .map(({ cell, lasted, stack }) => ({ title: titleOf(cell), lasted, stack })),
    more: answer?.more ?? 0,
    taken: member.holds.flatMap(({ folder, cell, title }) => {
      const held = snapshot.namespaces.find((each) => each.folder === folder);
      const stack = held && readTaken(held, member, cell);
      return stack === undefined ? [] : [{ title, lasted: null, stack }];
    }),
  };
}

/** The stack where the holder has taken the object, if it was recorded. */
function readTaken(
  { folder, agents, objects }: NamespaceSnapshot,
  member: Member,
  cell: number,
): string | undefined {
  const [head, ...lines] = readSmallFile(`${folder}/${takenFile(cell)}`)?.split('\n') ?? [];
  const generation = objects.find((object) => object.cell === cell)?.generation;
  const isIts = agents.some(
    ({ slot, pid, threadId }) =>
      pid === member.pid && threadId === member.threadId && head === `${generation} ${slot}`,
  );
  return isIts ? lines.join('\n') : undefined;
}
