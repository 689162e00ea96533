/** The protocol of the members that all casts of the tests stand on. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Process } from 'lockstep';
import { Company } from '../support/members/company.ts';
import { Crew } from '../support/members/crew.ts';
import { Member } from '../support/members/member.ts';
import { HANG_MS, until } from '../support/until.ts';
import { word } from '../support/words.ts';
import { answers, leavesAtOnce, standsBy } from './member-targets.ts';

const TARGETS = new URL('./member-targets.js', import.meta.url).href;

describe('a member with orders', { timeout: HANG_MS }, () => {
  const crew = new Crew(Member);
  after(() => crew.close());
  const start = {
    process: () => crew.start('process', answers),
    thread: () => crew.start('thread', answers),
    program: () => crew.startProgram(TARGETS, answers.name),
  };

  for (const [kind, begin] of Object.entries(start)) {
    it(`(${kind}) reports values and errors, out of order where it has to, and leaves when it is let`, async () => {
      const member = await begin();
      const hangs = member.order('hang');
      hangs.catch(() => {});
      assert.deepEqual(await member.order('echo', [1, undefined, new Map([[2, 3n]])]), [
        1,
        undefined,
        new Map([[2, 3n]]),
      ]);
      await assert.rejects(member.order('fail'), { code: 'ERR_LOCKSTEP_NOT_LOCKED' });
      assert.deepEqual(member.pending, ['hang']);
      assert.equal(await member.leave(), 'exit code 0');
      await assert.rejects(hangs, { code: 'MEMBER_ENDED' });
      await assert.rejects(member.order('echo'), { code: 'MEMBER_ENDED' });
    });

    it(`(${kind}) fails its orders when it is killed`, async () => {
      const member = await begin();
      const order = member.order('hang');
      const failed = assert.rejects(order, { code: 'MEMBER_ENDED', message: /ended in hang$/ });
      await member.kill();
      await failed;
      assert.equal(member.isOver, true);
    });
  }

  it('that ends before it has said hello is a failure', async () => {
    await assert.rejects(crew.start('process', leavesAtOnce), {
      message: 'a member ended before it was there: exit code 3',
    });
    await assert.rejects(crew.startProgram(TARGETS, leavesAtOnce.name), /exit code 3/);
  });
});

describe('a company', { timeout: HANG_MS }, () => {
  it('replaces who is killed, hears of who ends too early, and has the results of all', async () => {
    const [enough, seats] = [word(), word()];
    const early: [number, number | null][] = [];
    const company = new Company(
      2,
      () => new Process({ target: standsBy, args: [enough, seats] }),
      (...end) => early.push(end),
    );
    await until(() => seats.value === 2, 'both to be there');
    assert.equal(await company.replace(0, () => assert.equal(seats.value, 2)), -9);
    await until(() => seats.value === 3, 'the third to be there');
    company.members[1]!.kill();
    await until(() => early.length === 1, 'the company to hear of it');
    assert.deepEqual(early, [[1, -9]]);
    assert.equal(await company.replace(1), -9);
    await until(() => seats.value === 4, 'the fourth to be there');
    enough.value = 1;
    assert.deepEqual((await company.results()).sort(), [2, 3]);
    assert.equal(early.length, 1);
  });
});
