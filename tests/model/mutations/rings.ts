/** Mutations of the ring, and of its waiters. */

import { FOR_EVER, type Mutant } from '../mutants.ts';

const WRONG = /ring: refused|is not there|in pieces|was not put|out of order|is gone/;

export const ringMutants: readonly Mutant[] = [
  {
    name: 'an item is counted before its end is written',
    file: 'messaging/ring/ring.js',
    from: `        storePlain(words, at + END_WORD + ((puts + 1) & 1), next);
        // PUBLISH item -> PUTS
        storeRelease(words, at + PUTS_WORD, (puts + 1) & MASK);`,
    to: `        storeRelease(words, at + PUTS_WORD, (puts + 1) & MASK);
        storePlain(words, at + END_WORD + ((puts + 1) & 1), next);`,
    primitive: 'Ring',
    scenario: 'two put, one takes, one dies',
    preemptions: 1,
    finds: WRONG,
  },
  {
    name: 'an item is taken without checking that no other agent has taken it',
    file: 'messaging/ring/ring-items.js',
    from: 'return cas(this.words, this.at + HEAD_WORD, head, next) === head;',
    to: 'cas(this.words, this.at + HEAD_WORD, load(this.words, this.at + HEAD_WORD), next); return true;',
    primitive: 'Ring',
    scenario: 'one puts, two take',
    preemptions: 2,
    finds: WRONG,
  },
  {
    name: 'the end is believed, though it may be that of an item that is only being put',
    file: 'messaging/ring/ring-items.js',
    from: `            if (load(words, at + PUTS_WORD) !== puts)
                continue;`,
    to: '',
    primitive: 'Ring',
    scenario: 'one puts, one takes, three each',
    preemptions: 3,
    finds: WRONG,
  },
  {
    name: 'a look for room without the lock takes an end that has changed for damage',
    file: 'messaging/ring/ring.js',
    from: `                if (load(words, at + PUTS_WORD) !== puts)
                    continue;
                throw apart`,
    to: '                throw apart',
    primitive: 'Ring',
    scenario: 'one puts, one takes, one asks for room without the lock',
    preemptions: 2,
    finds: WRONG,
  },
  {
    name: 'a view that has looked at nothing believes that it has seen an end at 0',
    file: 'messaging/ring/ring-items.js',
    from: 'knownEnd = UNKNOWN;',
    to: 'knownEnd = 0;',
    primitive: 'Ring',
    scenario: 'one puts, one takes, positions and numbers at their end',
    preemptions: 1,
    finds: WRONG,
  },
  {
    name: 'a joiner counts the items put before the items done',
    file: 'messaging/ring/ring.js',
    from: `const done = load(this.words, this.at + DONE_WORD);
        return (this.puts - done) & MASK;`,
    to: 'return (this.puts - load(this.words, this.at + DONE_WORD)) & MASK;',
    primitive: 'Ring',
    scenario: 'one puts what follows and reports the first done, one joins',
    preemptions: 1,
    finds: /something always was/,
  },
  {
    name: 'a producer that queued behind others, and may have had their wake-up, does not pass it on',
    file: 'messaging/ring/locked-put.js',
    from: `taken() {
        this.lock.abandon();`,
    to: 'taken() {',
    primitive: 'Channel',
    scenario: 'three put, one takes',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'a taker that may have had the wake-up of others does not pass it on',
    file: 'messaging/ring/gate.js',
    from: 'taken: passOn,',
    to: 'taken: () => { },',
    primitive: 'Channel',
    scenario: 'one puts, two take',
    preemptions: 3,
    finds: FOR_EVER,
  },
  {
    name: 'a waiter for an item does not look again between its mark and its sleep',
    file: 'messaging/ring/gate.js',
    from: `if (!worthwhile())
                        return false;`,
    to: 'return false;',
    primitive: 'Channel',
    scenario: 'one puts, two take',
    preemptions: 2,
    finds: FOR_EVER,
  },
  {
    name: 'an item is announced without clearing the mark first',
    file: 'messaging/ring/gate.js',
    from: `clearBits(words, at + CELL_STATE, WAITERS_BIT);
        wakeOldest(agent, this.cell);`,
    to: `wakeOldest(agent, this.cell);
        clearBits(words, at + CELL_STATE, WAITERS_BIT);`,
    primitive: 'Channel',
    scenario: 'one puts, two take',
    preemptions: 3,
    finds: FOR_EVER,
  },
];
