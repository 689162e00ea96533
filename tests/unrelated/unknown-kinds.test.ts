/**
 * Programs of which one does not know a kind of object: it leaves to the others what a dead agent
 * had of such an object, and clears up everything else.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { Lock } from 'lockstep';
import { Program, run } from '../support/programs.ts';
import { SHARED_KINDS } from '../support/shared-kinds.ts';
import { HANG_MS, until, untilWaiting } from '../support/until.ts';
import { slotOf } from './slots.ts';

const GOT: Readonly<Record<string, unknown>> = {
  RLock: { recovered: true },
  BoundedSemaphore: { recovered: false },
  RWLock: { recovered: true },
  Barrier: { code: 'ERR_LOCKSTEP_BROKEN_BARRIER' },
};

const started: Program[] = [];

async function start(kind: string, role: string): Promise<Program> {
  const program = new Program('shares-kind', { args: [kind, role] });
  started.push(program);
  await said(program, 1);
  return program;
}

/** Resolves with the line of that number, from 1 on, when the program has printed it. */
async function said(program: Program, line: number): Promise<string> {
  const lines = (): string[] => program.stdout.split('\n');
  await until(() => lines().length > line || program.child.exitCode !== null, `line ${line} of a program`);
  assert.equal(program.stderr, '');
  return lines()[line - 1] ?? '';
}

async function kill(program: Program): Promise<void> {
  program.kill('SIGKILL');
  await program.ended;
}

/** The state letter of the process: T is stopped. */
function stateOf(program: Program): string | undefined {
  return /\) (\w)/.exec(readFileSync(`/proc/${program.child.pid}/stat`, 'utf8'))?.[1];
}

describe('a program that does not know a kind of object', { timeout: HANG_MS }, () => {
  afterEach(async () => {
    await Promise.all(started.splice(0).map(kill));
  });

  for (const [kind, open] of Object.entries(SHARED_KINDS)) {
    it(`leaves what a dead agent had of a ${kind} to one that comes later, and its slot to nobody`, async () => {
      using plain = new Lock({ name: 'plain' });
      const shared = open();
      const holder = await start(kind, 'holds');
      const lacking = await start(kind, 'lacks');
      const slot = slotOf(plain, holder.child.pid!);
      assert.deepEqual(slot.state, { taken: true, live: true });
      await kill(holder);
      // It has cleared up what it knows.
      assert.deepEqual(JSON.parse(await said(lacking, 2)), { recovered: true });
      assert.deepEqual(slot.state, { taken: true, live: false });
      // Nobody else sits down there.
      const { stdout } = await run('tries', { args: ['named', 'plain-2'] });
      assert.deepEqual(JSON.parse(stdout), { done: false });
      assert.deepEqual([slot.pid, slot.state], [holder.child.pid, { taken: true, live: false }]);
      assert.deepEqual(await shared.want(), GOT[kind]);
      assert.deepEqual(slot.state, { taken: false, live: false });
      shared.object.close();
    });

    for (const role of kind === 'RLock' || kind === 'Barrier' ? ['wants', 'wants-blocking'] : [])
      it(`leaves what a dead agent had of a ${kind} to one that waits: ${role}`, async () => {
        const shared = open();
        const holder = await start(kind, 'holds');
        const waiter = await start(kind, role);
        await untilWaiting(shared.object, kind === 'Barrier' ? 2 : 1);
        waiter.kill('SIGSTOP');
        await until(() => stateOf(waiter) === 'T', 'the program to be stopped');
        const lacking = await start(kind, 'lacks');
        await kill(holder);
        assert.deepEqual(JSON.parse(await said(lacking, 2)), { recovered: true });
        waiter.kill('SIGCONT');
        assert.deepEqual(JSON.parse(await said(waiter, 2)), GOT[kind]);
        assert.equal((await waiter.ended).code, 0);
        shared.object.close();
      });
  }
});
