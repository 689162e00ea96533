/** Mutations of the semaphores. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const permitMutants: readonly Mutant[] = [
  {
    name: 'the taker of a permit does not wake the next waiter for a second one',
    file: 'sync/semaphore/semaphore.js',
    from: 'taken() {',
    to: 'taken() { return;',
    primitive: 'Semaphore',
    scenario: 'one gives twice to two',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a waiter that gives up drops its wake-up',
    file: 'sync/semaphore/semaphore.js',
    from: 'abandon() {',
    to: 'abandon() { return;',
    primitive: 'Semaphore',
    scenario: 'three block, one gives up',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the waiters mark is cleared by a waiter that takes, though others wait',
    file: 'sync/semaphore/semaphore.js',
    from: '(permitsIn(state) - 1) | WAITERS_BIT',
    to: 'permitsIn(state) - 1',
    primitive: 'Semaphore',
    scenario: 'three block for long',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a dead agent’s permits are not given back',
    file: 'sync/semaphore/raw-permits.js',
    from: 'cas(words, at, dead, 0);',
    to: '',
    primitive: 'BoundedSemaphore',
    scenario: 'two block, one dies',
    preemptions: 0,
    finds: /permits are left/,
  },
  {
    name: 'a call that awaits does not look at the permits again after its mark',
    file: 'sync/semaphore/raw-permits.js',
    from: `            if (!this.peek())
                return false;`,
    to: '            return false;',
    primitive: 'BoundedSemaphore',
    scenario: 'one blocks, one awaits',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a releaser clears the mark before the permit is free',
    file: 'sync/semaphore/bounded-semaphore.js',
    from: `|| !raw.freeOwn(index))
            return;
        raw.announce(1);`,
    to: `|| (raw.announce(1), !raw.freeOwn(index)))
            return;`,
    primitive: 'BoundedSemaphore',
    scenario: 'two block, twice each',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the taker of a permit sets no mark for later waiters',
    file: 'sync/semaphore/raw-permits.js',
    from: 'taken() {',
    to: 'taken() { return;',
    primitive: 'BoundedSemaphore',
    scenario: 'three block for long',
    preemptions: 2,
    finds: FOR_EVER,
  },
];
