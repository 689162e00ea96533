/**
 * The contract of an integer Value, as far as every backend keeps it. Types, arrays and bytes in
 * shared memory: value-and-array.test.ts.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { suite } from '../support/stage.ts';

suite('Value', (stage) => {
  stage.it('what one changes is seen by all, and each change returns the value before', async () => {
    const value = await stage.make.value(5);
    const [one, other] = await stage.actors(2);
    assert.equal(await one.do('get', value, 'value'), 5);
    assert.equal(await one.do('invoke', value, 'add', 3), 5);
    assert.equal(await other.do('get', value, 'value'), 8);
    assert.equal(await other.do('invoke', value, 'sub', 10), 8);
    assert.equal(await one.do('invoke', value, 'exchange', 40), -2);
    assert.equal(await value.value, 40);
  });

  stage.it('compareExchange changes it only from the value that is expected', async () => {
    const value = await stage.make.value(1);
    const [one, other] = await stage.actors(2);
    assert.equal(await one.do('invoke', value, 'compareExchange', 1, 2), 1);
    assert.equal(await other.do('invoke', value, 'compareExchange', 1, 3), 2);
    assert.equal((await stage.look(value)).value, 2);
  });

  stage.it('of changes that race none is lost, and no two get the same old value', async () => {
    const value = await stage.make.value(0);
    const actors = await stage.actors(4);
    const each = 50;
    const seen = await Promise.all(
      actors.map(async (actor) => {
        const before: unknown[] = [];
        for (let n = 0; n < each; n++) before.push(await actor.do('invoke', value, 'add', 1));
        return before;
      }),
    );
    const all = (seen.flat() as number[]).sort((a, b) => a - b);
    assert.deepEqual(all, [...new Array(actors.length * each).keys()]);
    assert.equal(await value.value, actors.length * each);
  });

  stage.it('what one has changed before it was killed stays', async () => {
    const value = await stage.make.value(0);
    const [doomed, other] = await stage.actors(2);
    await doomed.do('invoke', value, 'add', 7);
    await doomed.kill();
    assert.equal(await other.do('get', value, 'value'), 7);
  });
});
