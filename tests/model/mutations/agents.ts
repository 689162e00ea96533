/** Mutations of what all primitives stand on: threads that block and await, and cells. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const agentMutants: readonly Mutant[] = [
  {
    name: 'a word that names an empty slot is believed',
    file: 'agents/reaper.js',
    from: 'const freed = whileNobodyIn(',
    to: 'const freed = false && whileNobodyIn(',
    primitive: 'Lock',
    scenario: 'its word names a slot in which nobody sits, one blocks, one tries',
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'a waker does not check whether the agent that it rang has blocked',
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
    name: 'the agent that ends a cell does not read its bits again',
    file: 'memory/arena.js',
    from: 'if (!this.unopened(place)) {',
    to: 'if (false) {',
    primitive: 'Arena',
    scenario: 'one makes and closes, one opens',
    preemptions: 2,
    finds: /an open object was freed/,
  },
  {
    name: 'a producer counts the objects of an item only when the item is in',
    file: 'agents/kept.js',
    from: `    for (const { number } of names)
        arena.keep(arena.place(number));
    // PUBLISH kept -> item
    put();`,
    to: `    put();
    for (const { number } of names)
        arena.keep(arena.place(number));`,
    primitive: 'Kept',
    scenario: 'one puts, one takes, one dies',
    preemptions: 2,
    finds: /object is gone/,
  },
  {
    name: 'the agent that ends an object with a doubtful count does not search the items for it',
    file: 'memory/arena.js',
    from: 'else if (kept !== 0 && this.isNamed(place)) {',
    to: 'else if (false) {',
    primitive: 'Kept',
    scenario: 'one puts, one takes, one dies',
    preemptions: 2,
    finds: /object is gone/,
  },
  {
    name: 'the reaper does not note that counts may be too high',
    file: 'agents/reaper.js',
    from: 'arena.doubt(dead);',
    to: ';',
    primitive: 'Kept',
    scenario: 'one puts, one takes, one dies',
    preemptions: 2,
    finds: /is not free/,
  },
  {
    name: 'the reaper believes what it has read in the rings before it cleared the bits',
    file: 'agents/kept-rings.js',
    from: 'if (left.length === 0)',
    to: 'if (true)',
    primitive: 'Kept',
    scenario: 'one puts, one takes, two die',
    preemptions: 1,
    finds: /is not free/,
  },
];
