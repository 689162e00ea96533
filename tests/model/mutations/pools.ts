/** Mutations of the pool's task table and of what the pool keeps of its slots. */

import type { Mutant } from '../mutants.ts';

export const poolMutants: readonly Mutant[] = [
  {
    name: 'a worker claims a task without a look whether it may',
    file: 'pool/task-table.js',
    from: 'const found = cas(this.words, this.at(slot), before, running(worker, generation));',
    to: 'const found = before; storePlain(this.words, this.at(slot), running(worker, generation));',
    primitive: 'Pool',
    scenario: 'a task is given up while it is taken',
    preemptions: 1,
    finds: /was withdrawn, and runs|two outcomes|no outcome/,
  },
  {
    name: 'a worker claims a task of any generation',
    file: 'pool/task-table.js',
    from: `        if (found === before)
            return true;
        if (found === cancelled(`,
    to: `        if (found === before || (phaseOf(found) === PHASE.QUEUED && this.change(slot, found, running(worker, generationOf(found)))))
            return true;
        if (found === cancelled(`,
    primitive: 'Pool',
    scenario: 'one task, two workers, one dies, the other is slow',
    preemptions: 2,
    finds: /has started twice|was taken back, and runs|no outcome|two outcomes/,
  },
  {
    name: 'the pool withdraws a task without a look whether it runs',
    file: 'pool/task-table.js',
    from: 'return this.change(slot, queued(generation), cancelled(generation));',
    to: 'storePlain(this.words, this.at(slot), cancelled(generation)); return true;',
    primitive: 'Pool',
    scenario: 'a task is given up while it is taken',
    preemptions: 1,
    finds: /was withdrawn, and has begun/,
  },
  {
    name: 'a worker finishes without a look whether it is about to be killed',
    file: 'pool/task-table.js',
    from: `        return !(phaseOf(found) === PHASE.DOOMED &&
            workerOf(found) === worker &&
            generationOf(found) === generation);`,
    to: '        return true;',
    primitive: 'Pool',
    scenario: 'a task is given up and its worker killed, another waits',
    preemptions: 2,
    finds: /was about to be killed/,
  },
  {
    name: 'items are claimed without a look whether the chunk was cut',
    file: 'pool/task-table.js',
    from: `            if (cas(this.words, at, cursor, cursor + (count << CURSOR_SHIFT)) === cursor)
                return { from, count };`,
    to: `            storePlain(this.words, at, cursor + (count << CURSOR_SHIFT));
            return { from, count };`,
    primitive: 'Pool',
    scenario: 'a chunk is cut while the only worker runs it',
    preemptions: 3,
    finds: /runs twice/,
  },
  {
    name: 'a chunk is cut without a look what was claimed meanwhile',
    file: 'pool/task-table.js',
    from: `            if (cas(this.words, at, cursor, (next << CURSOR_SHIFT) | from) === cursor)
                return { from, to };`,
    to: `            storePlain(this.words, at, (next << CURSOR_SHIFT) | from);
            return { from, to };`,
    primitive: 'Pool',
    scenario: 'a chunk is cut while the only worker runs it',
    preemptions: 3,
    finds: /runs twice/,
  },
  {
    name: 'a task is taken back, and the worker that is about to claim it does not see that',
    file: 'pool/slots.js',
    from: 'if (!this.table.requeue(slot, generation, (generation + 1) & GENERATION_MASK))',
    to: 'if (phaseOf(this.table.state(slot)) !== PHASE.QUEUED)',
    primitive: 'Pool',
    scenario: 'one task, two workers, one dies, the other is slow',
    preemptions: 2,
    finds: /has started twice|was taken back, and runs/,
  },
  {
    name: 'a slot whose task was taken back is used again at once',
    file: 'pool/slots.js',
    from: `        this.leave(task);
        if (own === undefined)
            this.rest(slot);
        else
            this.resting.push({ slot, workers: new Set([own]) });`,
    to: '        this.free.push(this.leave(task));',
    primitive: 'Pool',
    scenario: 'one task, two workers, one dies, the other is slow',
    preemptions: 2,
    finds: /is used again, and worker/,
  },
  {
    name: 'the slot of a task that was withdrawn is used again at once',
    file: 'pool/slots.js',
    from: '        this.dropping.push(slot);',
    to: '        this.nextGeneration(slot);\n        this.free.push(slot);',
    primitive: 'Pool',
    scenario: 'a task is given up while it is taken',
    preemptions: 2,
    finds: /is used again, and worker/,
  },
  {
    name: 'the slot of a task that was withdrawn waits for a worker that has died',
    file: 'pool/slots.js',
    from: 'if (phase !== PHASE.DROPPED && !this.isTaken(slot))',
    to: 'if (phase !== PHASE.DROPPED)',
    primitive: 'Pool',
    scenario: 'a task is given up while it is taken',
    preemptions: 1,
    finds: /slots are free in the end/,
  },
  {
    name: 'a worker falls asleep without a second look at the ring',
    file: 'pool/worker-words.js',
    from: 'setBits(this.words, this.idle + (worker >> 5), 1 << (worker & 31));',
    to: '',
    primitive: 'Pool',
    scenario: 'workers fall asleep while tasks are put',
    preemptions: 1,
    finds: /all sleep, and there is an item/,
  },
  {
    name: 'a task in an own ring is taken back, and the worker that is about to claim it does not see that',
    file: 'pool/slots.js',
    from: 'if (!this.table.requeue(slot, generation, (generation + 1) & GENERATION_MASK))',
    to: 'if (phaseOf(this.table.state(slot)) !== PHASE.QUEUED)',
    primitive: 'Pool',
    scenario: 'two tasks in the own ring of a worker, which retires',
    preemptions: 2,
    finds: /has started twice|was taken back, and runs|two outcomes/,
  },
  {
    name: 'a slot of an own ring is used again while its worker may take the item',
    file: 'pool/slots.js',
    from: 'this.resting.push({ slot, workers: new Set([own]) });',
    to: 'this.free.push(slot);',
    primitive: 'Pool',
    scenario: 'two tasks in the own ring of a worker, which retires',
    preemptions: 2,
    finds: /is used again, and worker/,
  },
  {
    name: 'the pool does not look whether the worker of an own ring sleeps',
    file: 'pool/worker-words.js',
    from: 'return (clearBits(this.words, this.idle + (worker >> 5), bit) & bit) !== 0;',
    to: 'return false;',
    primitive: 'Pool',
    scenario: 'a worker falls asleep while a task is put into its own ring',
    preemptions: 1,
    finds: /it sleeps, and there is an item/,
  },
  {
    name: 'a worker looks for its own ring only after it has begun to sleep',
    file: 'pool/worker-words.js',
    from: `        return number === 0 ? undefined :`,
    to: `        return number === 0 || load(this.words, this.idle + (worker >> 5)) !== 0 ? undefined :`,
    primitive: 'Pool',
    scenario: 'a worker falls asleep while a task is put into its own ring',
    preemptions: 2,
    finds: /it sleeps, and there is an item/,
  },
];
