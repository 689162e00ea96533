/** Mutations of the ring. */

import type { Mutant } from '../mutants.ts';

const WRONG = /is not there|in pieces|was not put|out of order|is gone/;

export const ringMutants: readonly Mutant[] = [
  {
    name: 'an item is counted before its end is written',
    file: 'messaging/ring.js',
    from: `        store(words, at + END_WORD + ((puts + 1) & 1), next);
        // PUBLISH item -> PUTS
        store(words, at + PUTS_WORD, (puts + 1) & MASK);`,
    to: `        store(words, at + PUTS_WORD, (puts + 1) & MASK);
        store(words, at + END_WORD + ((puts + 1) & 1), next);`,
    primitive: 'Ring',
    scenario: 'two put, one takes, one dies',
    preemptions: 1,
    finds: WRONG,
  },
  {
    name: 'an item is taken without a look whether somebody else has taken it',
    file: 'messaging/ring.js',
    from: 'return cas(this.words, this.at + HEAD_WORD, head, next) === head;',
    to: 'store(this.words, this.at + HEAD_WORD, next); return true;',
    primitive: 'Ring',
    scenario: 'one puts, two take',
    preemptions: 2,
    finds: WRONG,
  },
  {
    name: 'the end is believed, though it may be that of an item that is only being put',
    file: 'messaging/ring.js',
    from: `            if (this.puts !== puts)
                continue;`,
    to: '',
    primitive: 'Ring',
    scenario: 'one puts, one takes, three each',
    preemptions: 3,
    finds: WRONG,
  },
];
