import assert from 'node:assert/strict';
import { Condition, Value } from 'lockstep';

const changed = new Condition();
const items = new Value('i32', 0, { lock: changed.lock });

const consumer = changed.run(async () => {
  await changed.waitFor(() => items.value > 0); // gives up the lock while it waits
  items.value -= 1;
});
await changed.run(() => {
  items.value += 1;
  changed.notify();
});
await consumer;
assert.equal(items.value, 0);
