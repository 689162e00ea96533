/** Bootstrap of a thread: the first thing that runs in it. */

import { workerData } from 'node:worker_threads';
import { inherit } from '../agents/membership.ts';
import { keepMappingLog } from '../platform/mapping-log.ts';
import { keepStage } from '../platform/unbroken.ts';
import { giveBy, withGift } from '../workers/gift.ts';
import { agentName, assumeIdentity } from '../workers/identity.ts';
import { runTarget } from '../workers/run-target.ts';
import { moveBy } from '../workers/thread/moving.ts';
import { endSelf } from '../workers/thread/thread-ending.ts';
import type { ThreadData, ThreadMessage } from '../workers/thread/thread-job.ts';
import { takeOverOutput } from '../workers/thread/thread-output.ts';
import { TERMINATED, ThreadStatus } from '../workers/thread/thread-status.ts';
import '../index.ts';
import { SimpleQueue } from '../messaging/simple-queue.ts';

giveBy(() => new SimpleQueue());

const {
  identity,
  folder,
  target,
  isMethod,
  cargo,
  parent,
  status: words,
  mappings,
  outcome,
} = (workerData as ThreadData).lockstep;
moveBy(outcome);
const status = new ThreadStatus(words);
keepMappingLog(mappings);
keepStage(status.stage);
status.announce();
process.on('exit', (code) => status.announceExit(code));
if (status.asked) process.exitCode = TERMINATED;
else begin();

function begin(): void {
  takeOverOutput();
  assumeIdentity(identity);
  inherit({ folder, name: agentName(identity), target });
  runTarget({
    kind: 'Thread',
    name: identity.thread.name,
    daemon: identity.thread.daemon,
    target,
    isMethod,
    cargo,
    loaded() {
      if (!status.announceLoaded()) endSelf();
    },
    opened: () => status.announceOpened(),
    record: (sending) => {
      withGift(sending.shared, parent, (gift, handOver) => {
        const first: ThreadMessage = { gift };
        if (gift !== undefined) outcome.postMessage(first);
        handOver();
        const last: ThreadMessage = { outcome: sending.outcome };
        outcome.postMessage(last);
      });
    },
  });
}
