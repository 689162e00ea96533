/** Mutations of the locks, of waiting for them, and of the reaper that frees them. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const lockMutants: readonly Mutant[] = [
  {
    name: 'a waiter does not look again between its mark and its sleep',
    file: 'waiting/blocking.js',
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
    file: 'sync/lock/raw-lock.js',
    from: 'abandon() {',
    to: 'abandon() { return;',
    primitive: 'Lock',
    scenario: 'three block, one gives up',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the waiters mark is cleared by a waiter that takes, though others wait',
    file: 'sync/lock/raw-lock.js',
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
    file: 'sync/lock/lock-words.js',
    from: '(state & (WAITERS_BIT | FAIR_BIT)) | RECOVERED_BIT',
    to: 'state & (WAITERS_BIT | FAIR_BIT)',
    primitive: 'Lock',
    scenario: 'two block, one dies',
    preemptions: 0,
    finds: /the next one is not told/,
  },
  {
    name: 'a newcomer takes the lock whoever has it',
    file: 'sync/lock/raw-lock.js',
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
    name: 'a slot is free before all is cleared up that its agent had',
    file: 'agents/reaper.js',
    from: '    eachEntry(namespace, dead, (entryWords',
    to: `    store(words, base + AGENT_STATE, state & ~AGENT_LIVE_BIT);
    eachEntry(namespace, dead, (entryWords`,
    primitive: 'Lock',
    scenario: 'two block, two die, with the reaper',
    preemptions: 1,
    finds: /the lock is still held/,
  },
  {
    name: 'an inner release frees',
    file: 'sync/lock/rlock.js',
    from: 'if (raw.depth > 1) {',
    to: 'if (false) {',
    primitive: 'RLock',
    scenario: 'two nest',
    preemptions: 0,
    finds: /freed by the inner release/,
  },
];
