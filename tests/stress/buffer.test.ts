import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Condition, Process, RLock } from 'lockstep';
import { Company } from '../support/members/company.ts';
import { HANG_MS } from '../support/until.ts';
import { word, words } from '../support/words.ts';
import { type Buffer, consumes, isConsumed, produces, wordsFor } from './members.ts';

const ITEMS = 10_000;
const SLOTS = 16;

interface Setting {
  buffer: Buffer;
  lock: RLock;
  notFull: Condition;
  notEmpty: Condition;
}

function setUp(items: number): Setting {
  const lock = new RLock();
  const buffer = {
    slots: words(SLOTS),
    head: word(),
    tail: word(),
    total: word(items),
    consumed: words(wordsFor(ITEMS)),
    twice: word(),
    misplaced: word(),
  };
  return { buffer, lock, notFull: new Condition(lock), notEmpty: new Condition(lock) };
}

function assertEachItemOnce({ buffer, lock }: Setting): void {
  const total = buffer.total.value;
  assert.equal(buffer.tail.value, total);
  assert.equal(buffer.head.value, total);
  const latest = Array.from({ length: ITEMS }, (_, i) => total - 1 - i);
  const missing = latest.filter((item) => !isConsumed(buffer, item));
  assert.deepEqual(missing, []);
  assert.equal(buffer.twice.value, 0);
  assert.equal(buffer.misplaced.value, 0);
  assert.equal(lock.locked, false);
}

describe('a buffer guarded by two Conditions', { timeout: HANG_MS }, () => {
  const mixes = [
    { name: 'that block', styles: ['blocking'] },
    { name: 'that await', styles: ['awaiting'] },
    { name: 'that block or await', styles: ['blocking', 'awaiting', 'awaiting', 'blocking'] },
  ] as const;
  for (const { name, styles } of mixes) {
    it(`passes 10,000 items between 3 producers and 3 consumers ${name}, each exactly once`, async () => {
      const setting = setUp(ITEMS);
      const { buffer, notFull, notEmpty } = setting;
      const company = new Company(6, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        const args: Parameters<typeof produces> = [buffer, notFull, notEmpty, style];
        return new Process({ target: seat < 3 ? produces : consumes, args });
      });
      const counts = (await company.results()) as number[];
      assertEachItemOnce(setting);
      const sum = (of: number[]): number => of.reduce((total, count) => total + count, 0);
      assert.deepEqual([sum(counts.slice(0, 3)), sum(counts.slice(3))], [ITEMS, ITEMS]);
    });
  }

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`loses and doubles nothing when members (${style}) are killed at random and replaced`, async () => {
      const setting = setUp(2 ** 30);
      const { buffer, notFull, notEmpty } = setting;
      const company = new Company(6, (seat) => {
        const args: Parameters<typeof produces> = [buffer, notFull, notEmpty, style];
        return new Process({ target: seat < 3 ? produces : consumes, args });
      });
      let next = 0;
      await company.mayhem(
        10,
        () => buffer.head.value >= next,
        async () => {
          // A member may not have reported its last step before it died.
          await notEmpty.run(() => {
            notEmpty.notifyAll();
            notFull.notifyAll();
          });
          next = buffer.head.value + 200;
        },
      );
      buffer.total.value = Math.max(ITEMS, buffer.tail.value + 500);
      await company.results();
      assertEachItemOnce(setting);
    });
  }
});
