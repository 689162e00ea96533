import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, Process } from 'lockstep';
import { Company } from '../support/members/company.ts';
import { HANG_MS, until } from '../support/until.ts';
import { type Word, word, words } from '../support/words.ts';
import { keepsInStep, type Rounds } from './members.ts';

const PARTIES = 4;

describe('the rounds of a Barrier', { timeout: HANG_MS }, () => {
  function makeRounds(last: number): Rounds {
    const [arrived, passed] = [words(PARTIES), words(PARTIES)];
    return { arrived, passed, outOfStep: word(), stopped: word(), epoch: word(), goal: word(last) };
  }

  const mixes = [
    { name: 'that block', styles: ['blocking'] },
    { name: 'that await', styles: ['awaiting'] },
    { name: 'of which two block and two await', styles: ['blocking', 'awaiting'] },
  ] as const;
  for (const { name, styles } of mixes) {
    it(`keep 4 processes ${name} in step for 2,000 rounds`, async () => {
      const barrier = new Barrier(PARTIES);
      const rounds = makeRounds(2_000);
      const company = new Company(PARTIES, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        return new Process({ target: keepsInStep, args: [barrier, rounds, seat, style] });
      });
      await company.results();
      assert.equal(rounds.outOfStep.value, 0);
      assert.equal(rounds.stopped.value, 0);
      for (const { value } of rounds.passed) assert.equal(value, 2_000);
      assert.equal(barrier.nWaiting, 0);
    });
  }

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`break when a member (${style}) is killed, for all survivors at the same round, and go on after a reset`, async () => {
      const barrier = new Barrier(PARTIES);
      const rounds = makeRounds(2 ** 30);
      const { arrived, passed, stopped, epoch, outOfStep, goal } = rounds;
      const begun = passed.map(({ value }) => value);
      const company = new Company(PARTIES, (seat) => {
        begun[seat] = passed[seat]?.value ?? 0;
        return new Process({ target: keepsInStep, args: [barrier, rounds, seat, style] });
      });
      const atIt = (seat: number): boolean => Number(passed[seat]?.value) > Number(begun[seat]);
      await company.mayhem(10, atIt, async (seat) => {
        // One that died between two waits has broken nothing.
        barrier.abort();
        await until(() => stopped.value === PARTIES - 1, 'the survivors to see it');
        const survivors = passed.filter((_, i) => i !== seat).map(({ value }) => value);
        assert.deepEqual(survivors, Array(PARTIES - 1).fill(survivors[0]));
        (passed[seat] as Word).value = survivors[0] ?? 0;
        (arrived[seat] as Word).value = (survivors[0] ?? 0) + 1;
        assert.equal(barrier.broken, true);
        barrier.reset();
        stopped.value = 0;
        epoch.add(1);
      });
      goal.value = Math.max(...arrived.map(({ value }) => value)) + 100;
      await company.results();
      assert.equal(outOfStep.value, 0);
      for (const { value } of passed) assert.equal(value, goal.value);
    });
  }
});
