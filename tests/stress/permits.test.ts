import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedSemaphore, Process, Semaphore } from 'lockstep';
import { Company } from '../support/members/company.ts';
import { HANG_MS, until } from '../support/until.ts';
import { word, words } from '../support/words.ts';
import { type Places, passes, passesMarked } from './members.ts';

describe('three permits', { timeout: HANG_MS }, () => {
  const mixes = [
    { name: 'that block', times: 20_000, styles: ['blocking'] },
    { name: 'that block or await', times: 3_000, styles: ['blocking', 'awaiting'] },
  ] as const;
  for (const kind of [Semaphore, BoundedSemaphore]) {
    for (const { name, times, styles } of mixes) {
      it(`of a ${kind.name}: of 8 processes ${name} never more than 3 are inside`, async () => {
        const semaphore = new kind(3);
        const inside = word();
        const most = word();
        const company = new Company(8, (seat) => {
          const style = styles[seat % styles.length] ?? 'blocking';
          return new Process({ target: passes, args: [semaphore, inside, most, times, style] });
        });
        await company.results();
        assert.ok(most.value >= 1 && most.value <= 3, `${most.value} were inside`);
        assert.equal(inside.value, 0);
        assert.equal(semaphore.value, 3);
      });
    }
  }

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`of a BoundedSemaphore all come back when members (${style}) are killed at random and replaced`, async () => {
      const seats = 8;
      const semaphore = new BoundedSemaphore(3);
      const places: Places = { pids: words(seats), marks: words(seats), crowds: word(), enough: word() };
      const marks = (): number[] => places.marks.map(({ value }) => value);
      const begun = marks();
      const company = new Company(seats, (seat) => {
        begun[seat] = Number(marks()[seat]);
        return new Process({ target: passesMarked, args: [semaphore, 3, places, seat, style] });
      });
      const atIt = (seat: number): boolean => Number(marks()[seat]) > Number(begun[seat]) + 4;
      await company.mayhem(12, atIt);
      await until(() => begun.every((_, seat) => atIt(seat)), 'all members to be at it again');
      places.enough.value = 1;
      await company.results();
      assert.equal(places.crowds.value, 0);
      assert.equal(semaphore.value, 3);
    });
  }
});
