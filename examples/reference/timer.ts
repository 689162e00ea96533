import assert from 'node:assert/strict';
import { Event, Timer } from 'lockstep';

const rung = new Event();
const timer = new Timer(10, () => rung.set());
timer.start();
assert.equal(await rung.wait(), true);

const cancelled = new Timer(60_000, () => assert.fail('never called'));
cancelled.start();
cancelled.cancel();
assert.equal(cancelled.isAlive(), false);
