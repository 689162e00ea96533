import assert from 'node:assert/strict';
import { EndOfStreamError, Pipe } from 'lockstep';

const [receiver, sender] = Pipe({ duplex: false });
sender.sendSync({ temperature: 21 });
assert.deepEqual(receiver.recvSync(), { temperature: 21 });
sender.close();
assert.throws(() => receiver.recvSync(), EndOfStreamError);
