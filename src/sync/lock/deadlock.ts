/** Deadlock: the text that describes a cycle of waits. */

import { load } from '#atomics';
import { kindNumbered } from '../../agents/kinds.ts';
import { tell } from '../../channels.ts';
import type { DeadlockMember } from '../../errors.ts';
import { DeadlockError } from '../../errors.ts';
import { CELL_GENERATION, CELL_HEADER, kindOf } from '../../memory/layout.ts';
import { nameOf } from '../../namespaces/names.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { labelOf } from '../../objects/labels.ts';
import type { Link } from '../../waiting/wait-for.ts';
import { keepDeadlock } from './last-deadlocks.ts';
import { notesStacks } from './lock-words.ts';
import { readTakenAt } from './taken-at.ts';

/**
 * The error for a cycle whose first member is the caller. Also keeps the deadlock, and reports it
 * to monitors.
 */
export function deadlock(namespace: Namespace, cycle: readonly Link[]): DeadlockError {
  const error = errorFor(cycle.map((link) => describe(namespace, link)));
  keepDeadlock(namespace, error.message, error.cycle);
  tell('deadlock', () => ({ folder: namespace.folder, members: error.cycle, error }));
  return error;
}

function errorFor(members: readonly DeadlockMember[]): DeadlockError {
  const self = members[0]!;
  const refused = `${self.waitsFor}: deadlock`;
  if (members.length === 1) {
    return new DeadlockError(
      `${refused}, ${who(self)} holds it already${tookAt(self)} and would wait for itself; ` +
        'release it before, or use an RLock, which its owner may take again',
      members,
    );
  }
  const lines = members.map((member, index) => {
    const { holds, waitsFor } = member;
    return `  ${who(member)}${index === 0 ? ', here,' : ''} holds ${holds} and waits for ${waitsFor}${tookAt(member)}\n`;
  });
  return new DeadlockError(
    `${refused}, these ${members.length} are waiting for each other:\n${lines.join('')}` +
      'take locks in the same order everywhere; release what is held and try again',
    members,
  );
}

/** The name of a cell: `Lock "invoices"`, or its number if it has no name. */
export function titleOf(namespace: Namespace, cell: number): string {
  const { words, at } = namespace.arena.place(cell);
  const kind = kindNumbered(kindOf(load(words, at + CELL_HEADER)))?.name ?? 'object';
  const name = nameOf(namespace, cell, load(words, at + CELL_GENERATION));
  if (name !== undefined) return `${kind} ${JSON.stringify(name)}`;
  const label = labelOf(namespace, cell, load(words, at + CELL_GENERATION));
  return `${kind} #${cell}${label === undefined ? '' : ` (${label})`}`;
}

function describe(namespace: Namespace, { slot, holds, wants, blocked }: Link): DeadlockMember {
  const place = namespace.arena.place(holds);
  const generation = load(place.words, place.at + CELL_GENERATION);
  return {
    ...namespace.identity(slot),
    holds: titleOf(namespace, holds),
    waitsFor: titleOf(namespace, wants),
    blocked,
    stack: notesStacks(place) ? readTakenAt(namespace, holds, generation, slot) : null,
  };
}

function who({ name, pid, threadId }: DeadlockMember): string {
  return `${name} (pid ${pid}${threadId === 0 ? '' : `, thread ${threadId}`})`;
}

function tookAt({ holds, stack }: DeadlockMember): string {
  return stack === null ? '' : `; it took ${holds}\n${stack}`;
}
