/** A lock that others wait for stays in its process for a few sections (objects/stays.ts). */

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ClusterHold, ClusterLock } from 'lockstep/cluster';
import { createClient } from 'redis';
import { RedisServer } from './servers/redis.ts';
import { keepsOne, Member, pass } from './stays/member.ts';

const MOST = 3;
const PROGRAM = fileURLToPath(new URL('./stays/exits.js', import.meta.url));

let server: RedisServer;
let members: Member[] = [];

before(async () => {
  server = await RedisServer.start();
});
afterEach(async () => {
  await Promise.all(members.map((member) => member.end()));
  members = [];
});
after(() => server.stop());

async function join(count: number): Promise<Member[]> {
  for (let i = 0; i < count; i++) members.push(await Member.at(server.url));
  return members;
}

interface Section {
  readonly member: Member;
  readonly token: number;
}

/** Each member takes the lock so many times, and again at once. */
async function contend(all: readonly Member[], name: string, times: number): Promise<Section[]> {
  const sections: Section[] = [];
  let inside = 0;
  await Promise.all(
    all.map(async (member) => {
      const lock = member.cluster.lock(name);
      for (let i = 0; i < times; i++) {
        const hold = await lock.acquire();
        assert.equal(++inside, 1, 'two are inside');
        sections.push({ member, token: hold.token });
        await member.trip();
        assert.ok(hold.valid);
        inside--;
        await hold.release();
        assert.equal(hold.valid, false);
      }
    }),
  );
  return sections;
}

/** How many sections in a row the same member had, each time. */
function runsOf(sections: readonly Section[]): number[] {
  const runs: number[] = [];
  sections.forEach(({ member }, i) => {
    if (member === sections[i - 1]?.member) runs.push(runs.pop()! + 1);
    else runs.push(1);
  });
  return runs;
}

it(`a process that comes back at once goes first, ${MOST} times in a row at most`, async () => {
  const sections = await contend(await join(4), 'contended', 30);
  assert.equal(sections.length, 120);
  for (const [i, { token }] of sections.entries())
    assert.ok(i === 0 || token > sections[i - 1]!.token, `token ${token} of section ${i}`);
  // Towards the end the last one is alone, and nobody waits.
  const runs = runsOf(sections.slice(0, 60));
  assert.ok(runs.includes(MOST), `${runs}`);
  assert.ok(Math.max(...runs) <= MOST, `${runs}`);
});

it('a process that computes between its sections keeps nothing: the others would wait for that', async () => {
  const [computing, ...others] = await join(3);
  const work = async (member: Member): Promise<void> => {
    const lock = member.cluster.lock('computed');
    for (let i = 0; i < 8; i++) {
      const hold = await lock.acquire();
      await member.trip();
      await hold.release();
      if (member !== computing) continue;
      assert.equal(member.keeps('computed'), false);
      // It comes back in the same turn of the event loop.
      for (const end = performance.now() + 4; performance.now() < end; );
    }
  };
  await Promise.all([computing!, ...others].map(work));
});

it('node-redis sends commands later: there the strict order holds', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => createClient({ url: server.url }).connect()));
  for (const redis of clients)
    members.push(
      await Member.over(
        redis,
        () => redis.ping(),
        () => redis.destroy(),
      ),
    );
  const runs = runsOf((await contend(members, 'strict', 12)).slice(0, 24));
  assert.equal(Math.max(...runs), 1, `${runs}`);
});

/** A lock that has stayed with the first member, while two others wait for it. */
async function stayed(name: string): Promise<{ lock: ClusterLock; waits: Promise<ClusterHold>[] }> {
  const [first, ...others] = await join(3);
  const lock = await keepsOne(first!, others, name);
  return { lock, waits: others.map(({ waiting }) => waiting!) };
}

it('whoever looks at the object after its release sees that it is released', async () => {
  const { lock, waits } = await stayed('looked at');
  assert.notEqual((await lock.describe()).owner, members[0]!.cluster.session);
  await pass(waits);
});

it('a lock that has stayed is free when the process does not come back', async () => {
  const { waits } = await stayed('left');
  await pass(waits);
});

it('a connection that closes gives up what has stayed', async () => {
  const { waits } = await stayed('closed');
  await members[0]!.cluster.close();
  await pass(waits);
});

it('a program that exits right after its release leaves the lock free', async () => {
  const [first, second] = await join(2);
  const program = fork(PROGRAM, [server.url, 'exit']);
  const exited = once(program, 'exit');
  // Take turns with the program, until it exits with a lock that has stayed.
  let over = false;
  void exited.then(() => {
    over = true;
  });
  const others = [first!, second!].map(async ({ cluster, trip }) => {
    const lock = cluster.lock('exit');
    while (!over) {
      const hold = await lock.acquire();
      await trip();
      await hold.release();
    }
  });
  assert.deepEqual(await exited, [0, null]);
  await Promise.all(others);
});
