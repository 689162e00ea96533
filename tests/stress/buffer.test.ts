import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Condition, Process, RLock, Value } from 'lockstep';
import { Company } from './company.ts';
import { type Buffer, consumes, isConsumed, produces, type Word, wordsFor } from './members.ts';

const word = (): Word => new Value('i32', 0, { lock: false });
const ITEMS = 10_000;
const SLOTS = 16;

interface Setting {
  buffer: Buffer;
  lock: RLock;
  notFull: Condition;
  notEmpty: Condition;
}

function setUp(): Setting {
  const words = (length: number): Word[] => Array.from({ length }, word);
  const lock = new RLock();
  const buffer = {
    slots: words(SLOTS),
    head: word(),
    tail: word(),
    consumed: words(wordsFor(ITEMS)),
    twice: word(),
    misplaced: word(),
  };
  return { buffer, lock, notFull: new Condition(lock), notEmpty: new Condition(lock) };
}

function assertEachItemOnce({ buffer, lock }: Setting): void {
  assert.equal(buffer.tail.value, ITEMS);
  assert.equal(buffer.head.value, ITEMS);
  const missing = Array.from({ length: ITEMS }, (_, item) => item).filter(
    (item) => !isConsumed(buffer, item),
  );
  assert.deepEqual(missing, []);
  assert.equal(buffer.twice.value, 0);
  assert.equal(buffer.misplaced.value, 0);
  assert.equal(lock.locked, false);
}

describe('a buffer guarded by two Conditions', { timeout: 240_000 }, () => {
  const mixes = [
    { name: 'that block', styles: ['blocking'] },
    { name: 'that await', styles: ['awaiting'] },
    { name: 'that block or await', styles: ['blocking', 'awaiting', 'awaiting', 'blocking'] },
  ] as const;
  for (const { name, styles } of mixes) {
    it(`passes 10,000 items between 3 producers and 3 consumers ${name}, each exactly once`, async () => {
      const setting = setUp();
      const { buffer, notFull, notEmpty } = setting;
      const company = new Company(6, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        const args: Parameters<typeof produces> = [buffer, notFull, notEmpty, ITEMS, style];
        return new Process({ target: seat < 3 ? produces : consumes, args });
      });
      const counts = (await company.done()) as number[];
      assertEachItemOnce(setting);
      const sum = (of: number[]): number => of.reduce((total, count) => total + count, 0);
      assert.deepEqual([sum(counts.slice(0, 3)), sum(counts.slice(3))], [ITEMS, ITEMS]);
    });
  }

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`loses and doubles nothing when members (${style}) are killed at random and replaced`, async () => {
      const setting = setUp();
      const { buffer, notFull, notEmpty } = setting;
      const company = new Company(6, (seat) => {
        const args: Parameters<typeof produces> = [buffer, notFull, notEmpty, ITEMS, style];
        return new Process({ target: seat < 3 ? produces : consumes, args });
      });
      await company.mayhem(
        10,
        () => buffer.head.value / ITEMS,
        async () => {
          // What a member did just before it died it may not have told.
          await notEmpty.run(() => {
            notEmpty.notifyAll();
            notFull.notifyAll();
          });
        },
      );
      await company.done();
      assertEachItemOnce(setting);
    });
  }
});
