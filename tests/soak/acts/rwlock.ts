/**
 * An RWLock: readers leave their marks beside each other, a writer finds none but those of the
 * dead.
 */

import { RWLock } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { describeMark, isDead } from '../board.ts';
import { CAST } from '../cast.ts';
import type { Flow } from '../flow.ts';

const NEAR = 1;
const WRITES_OF_100 = 30;

interface Things {
  lock: RWLock;
  /** The mark of the writer; 0: nobody. */
  writing: Word;
  /** The marks of the readers, by seat; 0: nobody. */
  reading: Word[];
}

export const rwlockAct: Act = act<Things>({
  name: 'RWLock',

  make: () => ({ lock: new RWLock(), writing: word(), reading: CAST.map(() => word()) }),

  async play(flow, things) {
    flow.at(NEAR);
    const writes = flow.random.percent(WRITES_OF_100);
    const side = writes ? things.lock.write : things.lock.read;
    const inside = (): void => (writes ? write(flow, things) : read(flow, things));
    if (flow.random.percent(8)) {
      const hold = side.tryAcquire();
      if (hold === null) return;
      inside();
      hold.release();
      return;
    }
    // In a scope of its own: flows of one thread outside of any `run` are one flow to the lock.
    await flow.wait(
      (options) => side.run(inside, options ?? {}),
      (options) => side.runSync(inside, options ?? {}),
    );
  },

  async check(flow, { lock, writing, reading }) {
    const { readers, writer, waiting } = lock.describe();
    if (readers.length > 0 || writer !== null || waiting > 0) {
      flow.violated(`RWLock: held or waited for, and everybody rests: ${lock}`);
    }
    (await lock.write.acquire()).release();
    for (const mark of [writing, ...reading]) mark.value = 0;
  },
});

function write(flow: Flow, { writing, reading }: Things): void {
  const found = writing.exchange(flow.mark);
  const others = [found, ...reading.map(({ value }) => value)];
  for (const other of others) {
    if (other === 0 || isDead(flow.board, other)) continue;
    flow.violated(`RWLock: ${describeMark(flow.mark)} writes, and found ${describeMark(other)} inside`);
  }
  const left = writing.compareExchange(flow.mark, 0);
  if (left !== flow.mark)
    flow.violated(`RWLock: ${describeMark(left)} wrote beside ${describeMark(flow.mark)}`);
}

function read(flow: Flow, { writing, reading }: Things): void {
  const mine = reading[flow.seat] as Word;
  mine.value = flow.mark;
  const writer = writing.value;
  if (writer !== 0 && !isDead(flow.board, writer)) {
    flow.violated(`RWLock: ${describeMark(flow.mark)} reads, and ${describeMark(writer)} writes`);
  }
  mine.value = 0;
}
