/** Mutations of how the pool wakes up its workers, and of how they fall asleep. */

import type { Mutant } from '../mutants.ts';
import { FOR_EVER } from '../mutants.ts';

const primitive = 'Waking of workers';
const asleep = 'calls one after the other, and the worker falls asleep';
const dead = 'a call, and the worker that ran last dies';

export const poolWakingMutants: readonly Mutant[] = [
  {
    name: 'the pool does not make sure that a worker took the task for which nobody was woken',
    file: 'pool/listening.js',
    from: `        // Otherwise await the results at the gate.
        waking.makeSure();`,
    to: '',
    primitive,
    scenario: dead,
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'the pool takes it for granted that the worker which is awake takes the task',
    file: 'pool/waking.js',
    from: `            if (this.ring.empty)
                return;
        this.wakeOne();`,
    to: `            return;
        this.wakeOne();`,
    primitive,
    scenario: dead,
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'a thread that blocks does not make sure first that a worker took the task',
    file: 'waiting/blocking.js',
    from: `        for (const act of each.beforeBlocking)
            act();`,
    to: '',
    primitive,
    scenario: 'a call that nobody awaits, the pool blocks, and the worker that ran last dies',
    preemptions: 0,
    finds: FOR_EVER,
  },
  {
    name: 'a worker falls asleep without a second look at the ring',
    file: 'pool/worker.js',
    from: `            this.table.workers.setIdle(this.me);
            if (this.hasWork())
                this.sleeper();
        });`,
    to: `            this.table.workers.setIdle(this.me);
        });`,
    primitive,
    scenario: asleep,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the next task does not mark the gate that was left unmarked',
    file: 'pool/listening.js',
    from: 'return !this.unmarked;',
    to: 'return false;',
    primitive,
    scenario: asleep,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'nobody looks after a task that comes while the gate is unmarked',
    file: 'pool/listening.js',
    from: 'return !this.listening || this.unmarked;',
    to: 'return !this.listening;',
    primitive,
    scenario: asleep,
    preemptions: 1,
    finds: FOR_EVER,
  },
];
