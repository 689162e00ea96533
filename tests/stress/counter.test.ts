import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lock, Process, Thread } from 'lockstep';
import { Company } from '../support/members/company.ts';
import { HANG_MS, until } from '../support/until.ts';
import { word, words } from '../support/words.ts';
import { adds, addsToLedger, type Ledger } from './members.ts';

describe('a counter under a Lock', { timeout: HANG_MS }, () => {
  const mixes = [
    { name: '8 processes that block', times: 100_000, styles: ['blocking'] },
    { name: '8 processes that await', times: 5_000, styles: ['awaiting'] },
    { name: '4 processes that block and 4 that await', times: 5_000, styles: ['blocking', 'awaiting'] },
  ] as const;
  for (const { name, times, styles } of mixes) {
    it(`is exact after ${name} have each added one ${times} times`, async () => {
      const lock = new Lock();
      const counter = word();
      const company = new Company(8, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        return new Process({ target: adds, args: [lock, counter, times, style] });
      });
      await company.results();
      assert.equal(counter.value, 8 * times);
      assert.equal(lock.locked, false);
    });
  }

  it('is exact after 8 threads, 4 that block and 4 that await, have each added one 5000 times', async () => {
    const lock = new Lock();
    const counter = word();
    const company = new Company(8, (seat) => {
      const style = seat % 2 === 0 ? 'blocking' : 'awaiting';
      return new Thread({ target: adds, args: [lock, counter, 5_000, style] });
    });
    await company.results();
    assert.equal(counter.value, 40_000);
  });

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`is exact when members (${style}) are killed at random and replaced`, async () => {
      const seats = 4;
      const kills = 12;
      const lock = new Lock();
      const enough = word();
      const ledger: Ledger = {
        total: word(),
        own: words(seats),
        inside: word(),
        intrusions: word(),
        recoveries: word(),
      };
      const own = (): number[] => ledger.own.map(({ value }) => value);
      const begun = own();
      const company = new Company(seats, (seat) => {
        begun[seat] = own()[seat] ?? 0;
        return new Process({ target: addsToLedger, args: [lock, ledger, seat, enough, style] });
      });
      const atIt = (seat: number): boolean => Number(own()[seat]) > Number(begun[seat]);
      await company.mayhem(kills, atIt);
      await until(() => begun.every((_, seat) => atIt(seat)), 'all members to be at it again');
      enough.value = 1;
      await company.results();
      assert.equal(
        ledger.total.value,
        own().reduce((sum, value) => sum + value, 0),
      );
      assert.equal(ledger.intrusions.value, 0);
      assert.ok(ledger.recoveries.value <= kills);
      assert.equal(lock.locked, false);
    });
  }
});
