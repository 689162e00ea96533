import assert from 'node:assert/strict';
import { ThreadLocal } from 'lockstep';

const request = new ThreadLocal(() => 'none');
request.run(() => {
  request.value = 'A-17'; // seen in this run alone
  assert.equal(request.value, 'A-17');
});
assert.equal(request.value, 'none');
