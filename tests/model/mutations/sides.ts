/** Mutations of the reader-writer lock, of the latch, and of the search for deadlocks. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

export const sideMutants: readonly Mutant[] = [
  {
    name: 'a reader comes in without a look for a writer',
    file: 'sync/rwlock/raw-rwlock.js',
    from: `        if (this.open) {
            this.inside++;`,
    to: `        if (true) {
            this.inside++;`,
    primitive: 'RWLock',
    scenario: 'two read, one writes (writers first)',
    preemptions: 2,
    finds: /a writer is not alone/,
  },
  {
    name: 'the last reader wakes no writer',
    file: 'sync/rwlock/raw-rwlock.js',
    from: `            if (entry !== undefined)
                wake(cell.agent, { slot: owner, ...entry }, cell.number);`,
    to: '',
    primitive: 'RWLock',
    scenario: 'two read, one writes (writers first)',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'a reader that comes in wakes nobody behind it',
    file: 'sync/rwlock/rwlock-side.js',
    from: 'taken: () => raw.passOn(),',
    to: 'taken: () => {},',
    primitive: 'RWLock',
    scenario: 'one reads, one writes, one gives up reading (writers first)',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a writer that gives up keeps its claim',
    file: 'sync/rwlock/raw-rwlock.js',
    from: `        if (this.claimant === call)
            this.unclaim();
        else
            this.passOn();`,
    to: '        this.passOn();',
    primitive: 'RWLock',
    scenario: 'two write, one gives up, one reads (writers first)',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the last count of a latch wakes nobody',
    file: 'sync/latch.js',
    from: `            if (left === 0)
                wakeAll(agent, this.cell);`,
    to: '',
    primitive: 'Latch',
    scenario: 'two count down, one waits',
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the call that gets the deadlock error still says that it waits',
    file: 'waiting/wait-for.js',
    from: '        end();\n',
    to: '',
    primitive: 'Deadlock',
    scenario: 'two block in opposite orders',
    preemptions: 3,
    finds: /two are told of one deadlock/,
  },
  {
    name: 'a waiter looks for deadlocks before it says that it waits',
    file: 'waiting/blocking.js',
    from: '  beginBlocking(agent, cell.number, elsewhere(deadline));',
    to: '  refuseIf(wait.check?.(0));\n  wait.check = undefined;\n  beginBlocking(agent, cell.number, elsewhere(deadline));',
    primitive: 'Deadlock',
    scenario: 'two block in opposite orders',
    preemptions: 2,
    finds: FOR_EVER,
  },
];
