import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, Process, Value } from 'lockstep';
import { until } from '../support/until.ts';
import { Company } from './company.ts';
import { keepsInStep, type Rounds, type Word } from './members.ts';

const word = (): Word => new Value('i32', 0, { lock: false });
const PARTIES = 4;

describe('the rounds of a Barrier', { timeout: 240_000 }, () => {
  function makeRounds(): Rounds {
    const words = (): Word[] => Array.from({ length: PARTIES }, word);
    return { arrived: words(), passed: words(), outOfStep: word(), stopped: word(), epoch: word() };
  }

  const mixes = [
    { name: 'that block', styles: ['blocking'] },
    { name: 'that await', styles: ['awaiting'] },
    { name: 'of which two block and two await', styles: ['blocking', 'awaiting'] },
  ] as const;
  for (const { name, styles } of mixes) {
    it(`keep 4 processes ${name} in step for 2,000 rounds`, async () => {
      const barrier = new Barrier(PARTIES);
      const rounds = makeRounds();
      const company = new Company(PARTIES, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        return new Process({ target: keepsInStep, args: [barrier, rounds, seat, 2_000, style] });
      });
      await company.done();
      assert.equal(rounds.outOfStep.value, 0);
      assert.equal(rounds.stopped.value, 0);
      for (const { value } of rounds.passed) assert.equal(value, 2_000);
      assert.equal(barrier.nWaiting, 0);
    });
  }

  for (const style of ['blocking', 'awaiting'] as const) {
    it(`break when a member (${style}) is killed, for all survivors at the same round, and go on after a reset`, async () => {
      const goal = 2_000;
      const barrier = new Barrier(PARTIES);
      const rounds = makeRounds();
      const { passed, stopped, epoch, outOfStep } = rounds;
      const company = new Company(PARTIES, (seat) => {
        return new Process({ target: keepsInStep, args: [barrier, rounds, seat, goal, style] });
      });
      await company.mayhem(
        8,
        () => Math.min(...passed.map(({ value }) => value)) / goal,
        async (seat) => {
          // One that died between two waits has broken nothing.
          barrier.abort();
          await until(() => stopped.value === PARTIES - 1, 'the survivors to see it');
          const survivors = passed.filter((_, i) => i !== seat).map(({ value }) => value);
          assert.deepEqual(survivors, Array(PARTIES - 1).fill(survivors[0]));
          (passed[seat] as Word).value = survivors[0] ?? 0;
          (rounds.arrived[seat] as Word).value = (survivors[0] ?? 0) + 1;
          assert.equal(barrier.broken, true);
          barrier.reset();
          stopped.value = 0;
          epoch.add(1);
        },
      );
      await company.done();
      assert.equal(outOfStep.value, 0);
      for (const { value } of passed) assert.equal(value, goal);
    });
  }
});
