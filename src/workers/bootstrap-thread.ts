/** Bootstrap of a thread: the first thing that runs in it. */

import { workerData } from 'node:worker_threads';
import '../index.ts';
import { inherit } from '../agents/agent.ts';
import { keepMappingLog } from '../platform/mapping-log.ts';
import { withGift } from './gift.ts';
import { agentName, assumeIdentity } from './identity.ts';
import { runTarget } from './run-target.ts';
import { endSelf } from './thread-ending.ts';
import type { ThreadData, ThreadMessage } from './thread-job.ts';
import { takeOverOutput } from './thread-output.ts';
import { TERMINATED, ThreadStatus } from './thread-status.ts';

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
const status = new ThreadStatus(words);
keepMappingLog(mappings);
status.announce();
process.on('exit', (code) => status.announceExit(code));
if (status.asked) process.exitCode = TERMINATED;
else begin();

function begin(): void {
  takeOverOutput();
  assumeIdentity(identity);
  inherit({ folder, name: agentName(identity) });
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
