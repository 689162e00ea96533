/** Bootstrap of a child process: the first thing that runs in it. */

import '../index.ts';
import { inherit } from '../agents/agent.ts';
import { SimpleQueue } from '../messaging/simple-queue.ts';
import { setParentDeathSignal } from '../platform/linux-process.ts';
import { giveBy } from '../workers/gift.ts';
import { agentName, assumeIdentity, MAIN_THREAD_NAME, newCounters } from '../workers/identity.ts';
import { endWhenIdle } from '../workers/process/ending.ts';
import { finishJob, readJob, writeOutcome } from '../workers/process/process-files.ts';
import { runTarget } from '../workers/run-target.ts';

giveBy(() => new SimpleQueue());

const SIGKILL = 9;

const [path] = process.argv.splice(2, 1);
const { job, files } = readJob(path!);
const { identity, target, isMethod, cargo, parent } = job;
if (identity.daemon) dieWithParent();

const assumed = {
  process: identity,
  thread: { name: MAIN_THREAD_NAME, daemon: false },
  counters: newCounters(),
};
assumeIdentity(assumed);
inherit({ folder: files.folder, name: agentName(assumed) });
runTarget({
  kind: 'Process',
  name: identity.name,
  daemon: identity.daemon,
  target,
  isMethod,
  cargo,
  opened: () => finishJob(files),
  record: (outcome) => {
    writeOutcome(files, outcome, parent);
    endWhenIdle();
  },
});

function dieWithParent(): void {
  setParentDeathSignal(SIGKILL);
  // It may have died before the kernel was asked.
  if (process.ppid !== identity.parent?.pid) process.kill(process.pid, 'SIGKILL');
}
