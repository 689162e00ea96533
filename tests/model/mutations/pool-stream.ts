/** Mutations of the credit of a pool's streams. */

import type { Mutant } from '../mutants.ts';
import { FOR_EVER } from '../mutants.ts';

const primitive = 'Streams of a pool';
const read = 'all values are read, and the worker runs out of credit';
const stopped = 'a stream is stopped, and its worker runs out of credit';

export const poolStreamMutants: readonly Mutant[] = [
  {
    name: 'a worker notes its sleep by a plain store, over credit that has just come',
    file: 'pool/credits.js',
    from: 'const found = cas(words, at, spent, spent | WAITING_BIT);',
    to: 'cas(words, at, load(words, at), spent | WAITING_BIT); const found = spent;',
    primitive,
    scenario: read,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'a worker sleeps without a note that it does',
    file: 'pool/credits.js',
    from: 'const found = cas(words, at, spent, spent | WAITING_BIT);',
    to: 'const found = load(words, at);',
    primitive,
    scenario: read,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'the pool gives credit by a plain store, and does not see that the worker has fallen asleep',
    file: 'pool/credits.js',
    from: 'if (cas(words, at, before, total & CREDIT_MASK) === before)',
    to: 'cas(words, at, load(words, at), total & CREDIT_MASK);',
    primitive,
    scenario: read,
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'the pool gives credit, and does not wake up the worker',
    file: 'pool/stream-run.js',
    from: 'host.members[slots.runnerOf(task)]?.wake();',
    to: '{}',
    primitive,
    scenario: read,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'a worker goes on without credit',
    file: 'pool/stream-work.js',
    from: 'if (this.isSpent) {',
    to: 'if (false) {',
    primitive,
    scenario: read,
    preemptions: 0,
    finds: /too far ahead/,
  },
  {
    name: 'a worker without credit does not look whether it was stopped',
    file: 'pool/stream-work.js',
    from: 'if (this.wake !== undefined && (this.isStopped || !this.isSpent))',
    to: 'if (this.wake !== undefined && !this.isSpent)',
    primitive,
    scenario: stopped,
    preemptions: 1,
    finds: FOR_EVER,
  },
  {
    name: 'a generator that is stopped is not closed',
    file: 'pool/stream-work.js',
    from: `            if (this.isStopped) {
                await close();
                return;`,
    to: `            if (this.isStopped) {
                return;`,
    primitive,
    scenario: stopped,
    preemptions: 1,
    finds: /was not closed/,
  },
];
