/** Mutations of what all primitives stand on: threads that block and await, and cells. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const agentMutants: readonly Mutant[] = [
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
    name: 'a thread that blocks keeps the rings that came for its awaiting calls',
    file: 'waiting/blocking.js',
    from: 'each.passRings();',
    to: ';',
    primitive: 'Blocking and awaiting',
    scenario: 'one awaits the lock, and blocks elsewhere later',
    preemptions: 2,
    finds: FOR_EVER,
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
