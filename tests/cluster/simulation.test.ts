/**
 * The machines of the cluster in a simulated network: replies lost and repeated, rings late or
 * never, sessions that die, a clock that jumps, commits in any order, and commits that a crash
 * undoes. A failure names its seed.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnyMachine } from './simulation/scenario.ts';
import { simulate } from './simulation/scenario.ts';
import type { Subject } from './simulation/scenarios.ts';
import { quietLock, subjects } from './simulation/scenarios.ts';
import type { Rules } from './simulation/world.ts';
import { ALL_RULES } from './simulation/world.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const STEPS = deep ? 1_000_000 : 10_000;
const STEPS_A_SEED = 2_000;

/** Throws where a seed finds something wrong; of five seeds one has no faults. */
function search(
  { name, make }: Subject,
  machine: AnyMachine,
  steps: number,
  without: Partial<Rules> = {},
): void {
  for (let seed = 1; seed <= steps / STEPS_A_SEED; seed++) {
    try {
      const faults = seed % 5 !== 0;
      const { renewals } = simulate(make(machine), machine, seed, STEPS_A_SEED, faults, {
        ...ALL_RULES,
        ...without,
      });
      const rings = machine.kind === 'Lock' || machine.kind === 'BoundedSemaphore';
      if (!faults && rings) assert.equal(renewals, 0, 'a wake-up was lost');
    } catch (error) {
      throw new Error(`${name}, seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

describe(`each machine, in ${STEPS} steps of a network that fails`, () => {
  for (const subject of [...subjects, { ...quietLock, name: 'Lock, seldom contended' }])
    it(subject.name, () => search(subject, subject.machine, STEPS));
});

describe('planted mistakes are found', () => {
  const plant = (
    kind: string,
    mistake: string,
    found: RegExp,
    change: (machine: AnyMachine) => Partial<AnyMachine>,
  ): void => {
    it(`${kind}: ${mistake}`, () => {
      const subject = subjects.find(({ name }) => name === kind)!;
      const mutant = { ...subject.machine, ...change(subject.machine) };
      assert.throws(() => search(subject, mutant, 60_000), found);
    });
  };

  plant('Lock', 'a newcomer goes to the head of the queue', /overtook/, (machine) => ({
    apply: (state, call, facts) => {
      const step = machine.apply(state, call, facts);
      const inner = step.state?.state;
      if (step.state === state || !inner || inner.queue.length < 2) return step;
      return { ...step, state: { ...step.state, state: { ...inner, queue: [...inner.queue].reverse() } } };
    },
  }));
  plant(
    'Lock',
    'a dead holder is not noticed',
    /never come to an end|left something|a wake-up was lost/,
    (machine) => ({
      apply: (state, call, facts) => machine.apply(state, call, { ...facts, dead: new Set() }),
    }),
  );
  plant('Lock', 'nobody is rung', /a wake-up was lost|never come to an end|left something/, (machine) => ({
    apply: (state, call, facts) => ({ ...machine.apply(state, call, facts), rings: [] }),
  }));
  plant('RWLock', 'a call that gives up stays in the queue', /left something/, (machine) => ({
    apply: (state, call, facts) => {
      const queued = state?.state?.queue.some(([id]: [string]) => id === call.call);
      if (call.op === 'leave' && queued) return { state, reply: { is: 'done', count: 1 }, rings: [] };
      return machine.apply(state, call, facts);
    },
  }));
  it('a commit that was given up arrives after all', () => {
    assert.throws(
      () => search(quietLock, quietLock.machine, 400_000, { fences: false }),
      /never come to an end|left something/,
    );
  });
  const lock = subjects.find(({ name }) => name === 'Lock')!;
  it('releases that a crash has undone are not made again', () => {
    assert.throws(
      () => search(lock, lock.machine, 60_000, { repeats: false }),
      /never come to an end|left something/,
    );
  });
  it('a commit that grants a place does not wait for the disk', () => {
    assert.throws(
      () => search(lock, lock.machine, 60_000, { flushes: false }),
      /places are held|token|overtook|left something/,
    );
  });
  it('versions follow a clock that goes back', () => {
    assert.throws(() => search(lock, lock.machine, 60_000, { rises: false }), /token|places|overtook/);
  });
  const event = subjects.find(({ name }) => name === 'Event')!;
  it('a dead session reads, and takes the removal of its calls for a success', () => {
    assert.throws(() => search(event, event.machine, 100_000, { checks: false }), /has come through/);
  });
  plant(
    'Event',
    'a call that takes the place of a dead one is not written',
    /has come through/,
    (machine) => ({
      apply: (state, call, facts) => {
        const step = machine.apply(state, call, facts);
        const [one, other] = [state?.state?.waiting, step.state?.state?.waiting];
        return one && other && one.length === other.length && facts.dead.size > 0 ? { ...step, state } : step;
      },
    }),
  );
  let repeats = 0;
  plant('Value', 'a repeated call counts again', /made twice/, (machine) => ({
    apply: (state, call, facts) => machine.apply(state, { ...call, call: `${call.call}${repeats++}` }, facts),
  }));
  plant('Queue', 'a repeated call takes another item', /lost|taken twice/, (machine) => ({
    apply: (state, call, facts) =>
      machine.apply(state, call.op === 'get' ? { ...call, call: `${call.call}${repeats++}` } : call, facts),
  }));
  plant('Queue', 'its receiver keeps it forever', /lost|come back|taken twice|twice/, (machine) => ({
    apply: (state, call, facts) => {
      const step = machine.apply(state, call, facts);
      const inner = step.state?.state;
      if (call.op !== 'receive' || step.reply.is !== 'got' || !inner) return step;
      return { ...step, state: { ...step.state, state: { ...inner, out: [] } } };
    },
  }));
  plant('Barrier', 'a party that looks forgets that its round broke', /passed a round/, (machine) => ({
    apply: (state, call, facts) =>
      machine.apply(state, call.op === 'look' ? { ...call, call: `${call.call}${repeats++}` } : call, facts),
  }));
});
