/**
 * Pipes: whichever process dies, a message is wholly in or not in, and nobody gets it twice. The
 * others continue to send and receive.
 */

import assert from 'node:assert/strict';
import { type Connection, Pipe } from 'lockstep';
import { until, untilWaiting } from '../../support/until.ts';
import { type Operation, operation, type Suite } from '../operation.ts';
import { codeOf, type Scene } from '../scene.ts';

const END = 'ERR_LOCKSTEP_END_OF_STREAM';

export const pipes: Suite = [...messages()];

function* messages(): Iterable<Operation> {
  for (const send of ['sendSync', 'send']) {
    yield operation(`Connection.${send}, with one in recvSync`, 6, async (scene) => {
      const [here, there] = pipe(scene);
      const next = scene.progress(scene.first.call(here, 'recvSync'), 'recvSync');
      await untilWaiting(here, 1);
      const death = await scene.crash(there, send, 'item');
      if (death.completed) assert.equal(await next, 'item');
      there.sendSync('second');
      const got = [await next, ...received(here)];
      assert.ok(['second', 'item,second'].includes(got.join()), got.join());
      assert.equal(death.error, undefined);
      await passes(scene, here, there);
    });
  }
  for (const receive of ['recvSync', 'recv']) {
    yield operation(`Connection.${receive}, a message is there`, 3, async (scene) => {
      const [here, there] = pipe(scene);
      there.sendSync('item');
      const death = await scene.crash(here, receive);
      const left = received(here);
      assert.deepEqual(left, death.completed || left.length === 0 ? [] : ['item']);
      assert.equal(death.error, undefined);
      await passes(scene, here, there);
    });
    yield operation(`Connection.${receive}, waiting, with another`, 6, async (scene) => {
      const [here, there] = pipe(scene);
      const crash = scene.crash(here, receive);
      await scene.untilVictimWaits(here);
      const next = scene.progress(scene.first.call(here, 'recvSync'), 'recvSync');
      await scene.untilVictimWaits(here, 1);
      there.sendSync('item');
      await until(() => here.describe().size === 0, 'somebody to receive the message');
      // A victim that lives may have left the message to the other, and may die with the second
      // one.
      const lives = !scene.over;
      there.sendSync('second');
      const death = await crash;
      const got = [death.value, await next, ...received(here)].filter((item) => item !== undefined);
      if (death.completed) assert.deepEqual(got.sort(), ['item', 'second']);
      else if (!lives || got.join() !== 'item')
        assert.ok(['second', 'item,second'].includes(got.join()), got.join());
      await passes(scene, here, there);
    });
    yield operation(`Connection.close, the last of its end, with one in ${receive}`, 4, async (scene) => {
      const [here, there] = Pipe();
      scene.share(here);
      await scene.victim.call(there, 'sendSync', 'item');
      there.close();
      assert.equal(await scene.first.call(here, 'recvSync'), 'item');
      const next = codeOf(scene.progress(scene.first.call(here, receive), receive));
      await untilWaiting(here, 1);
      // Only the victim has that end open.
      const death = await scene.crashIn('closeOpened');
      assert.equal(await next, END);
      assert.equal(death.error, undefined);
      assert.equal(await codeOf(scene.newcomer.call(here, 'sendSync', 'late')), 'ERR_LOCKSTEP_BROKEN_PIPE');
    });
  }
}

function pipe(scene: Scene): [Connection, Connection] {
  const ends = Pipe();
  for (const end of ends) scene.share(end);
  return ends;
}

function received(end: Connection): unknown[] {
  const items: unknown[] = [];
  while (end.pollSync()) items.push(end.recvSync());
  return items;
}

/** Messages go both ways. */
async function passes(scene: Scene, here: Connection, there: Connection): Promise<void> {
  const { newcomer, second } = scene;
  for (const [from, to] of [
    [here, there],
    [there, here],
  ] as const) {
    await scene.progress(newcomer.call(from, 'sendSync', 'a'), 'sendSync');
    assert.equal(await scene.progress(second.call(to, 'recvSync'), 'recvSync'), 'a');
  }
  assert.deepEqual([here.describe().waiting, there.describe().waiting], [0, 0]);
}
