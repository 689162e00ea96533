/** Mutants: the library with one thing broken on purpose, which the model has to find. */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

export interface Mutant {
  /** What is broken, as a sentence. */
  readonly name: string;
  /** File of the compiled source, and what is replaced in it: it has to be there just once. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The scenario that has to find it, and how it says so. */
  readonly primitive: string;
  readonly scenario: string;
  readonly preemptions: number;
  readonly finds: RegExp;
}

const FOR_EVER = /wait\(s\) for ever/;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a waiter does not look again between its mark and its sleep',
    file: 'agents/blocking.js',
    from: `const seen = load(agent.words, parkWord);
            if (wait.attempt(PRESSURE.NONE))
                return true;`,
    to: 'if (wait.attempt(PRESSURE.NONE)) return true; const seen = load(agent.words, parkWord);',
    primitive: 'Lock',
    scenario: 'two block, twice each',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a waiter that gives up drops its wake-up',
    file: 'sync/raw-lock.js',
    from: 'abandon() {',
    to: 'abandon() { return;',
    primitive: 'Lock',
    scenario: 'three block, one gives up',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the waiters mark is cleared by a waiter that takes, though others wait',
    file: 'sync/raw-lock.js',
    from: 'WAITERS_BIT | this.me',
    to: 'this.me',
    primitive: 'Lock',
    scenario: 'three block',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the reaper wakes nobody',
    file: 'agents/reaper.js',
    from: '    wakeEverybody(waker);\n    return true;',
    to: '    return true;',
    primitive: 'Lock',
    scenario: 'two block, one dies',
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'a dead holder’s lock is freed without a word',
    file: 'sync/raw-lock.js',
    from: '(state & (WAITERS_BIT | FAIR_BIT)) | RECOVERED_BIT',
    to: 'state & (WAITERS_BIT | FAIR_BIT)',
    primitive: 'Lock',
    scenario: 'two block, one dies',
    preemptions: 0,
    finds: /the next one is not told/,
  },
  {
    name: 'a newcomer takes the lock whoever has it',
    file: 'sync/raw-lock.js',
    from: `            if (!isFree(state))
                return false;
            if (isFair`,
    to: '            if (isFair',
    primitive: 'Lock',
    scenario: 'two block, twice each',
    preemptions: 1,
    finds: /two are inside|somebody else was inside/,
  },
  {
    name: 'the bell is hung only after the wait entry is filled',
    file: 'agents/cell.js',
    from: 'this.agent.hangBell();',
    to: '',
    primitive: 'Lock',
    scenario: 'one blocks, one awaits',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a waker does not look whether who it rang has blocked',
    file: 'agents/waiters.js',
    from: 'return canAct(waker.namespace, slot, words, at);',
    to: 'return true;',
    primitive: 'Blocking and awaiting',
    scenario: 'one awaits the lock, and blocks elsewhere later',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'who takes a permit does not tell the next of a second one',
    file: 'sync/semaphore.js',
    from: 'taken() {',
    to: 'taken() { return;',
    primitive: 'Semaphore',
    scenario: 'one gives twice to two',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a dead agent’s permits are not given back',
    file: 'sync/bounded-semaphore.js',
    from: 'cas(words, at, dead, 0);',
    to: '',
    primitive: 'BoundedSemaphore',
    scenario: 'two block, one dies',
    preemptions: 0,
    finds: /permits are left/,
  },
  {
    name: 'a call takes the notification of one that came before',
    file: 'sync/condition.js',
    from: 'if (this.own.hasUnclaimed)',
    to: 'if (false)',
    primitive: 'Condition',
    scenario: 'two flows of one await, one is notified',
    preemptions: 1,
    finds: /one that came later/,
  },
  {
    name: 'a dead waiter’s notification is not handed on',
    file: 'sync/condition.js',
    from: 'while (notified > 0 && grant(namespace, place, 1).size > 0)',
    to: 'while (false)',
    primitive: 'Condition',
    scenario: 'two wait, one is notified, one dies',
    preemptions: 1,
    finds: /a notification was lost/,
  },
  {
    name: 'set wakes nobody',
    file: 'sync/event.js',
    from: 'wakeAll(agent, this.cell);',
    to: '',
    primitive: 'Event',
    scenario: 'one sets, two wait',
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'the outcome of the next round can be wiped out by a slow party',
    file: 'sync/barrier.js',
    from: 'OUTCOMES_AHEAD = 8',
    to: 'OUTCOMES_AHEAD = 1',
    primitive: 'Barrier',
    scenario: 'two meet, one gives up and tries again, another resets',
    preemptions: 1,
    finds: /passed a round that was broken/,
  },
  {
    name: 'who ends a cell does not look at its bits again',
    file: 'memory/arena.js',
    from: 'if (!this.unopened(place)) {',
    to: 'if (false) {',
    primitive: 'Arena',
    scenario: 'one makes and closes, one opens',
    preemptions: 2,
    finds: /an open object was freed/,
  },
];

const shipped = new URL('../../../dist/', import.meta.url);
const mutants = new URL('../../mutants/', import.meta.url);

/** Makes a copy of the library with the mutation, beside the tests. Returns its folder. */
export function makeMutant({ file, from, to }: Mutant): URL {
  const path = new URL(file, shipped);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold just once: ${from}`);
  const copy = new URL(`${process.pid}-${copies++}/`, mutants);
  cpSync(shipped, copy, { recursive: true });
  writeFileSync(new URL(file, copy), source.replace(from, to));
  return copy;
}

export function removeMutant(copy: URL): void {
  rmSync(copy, { recursive: true, force: true });
}

let copies = 0;
