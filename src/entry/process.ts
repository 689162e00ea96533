/** Bootstrap of a child process: the first thing that runs in it. */

import '../index.ts';
import { inherit } from '../agents/agent.ts';
import { JOB_OPTION } from '../agents/child-context.ts';
import { StateError } from '../errors.ts';
import { SimpleQueue } from '../messaging/simple-queue.ts';
import { platform } from '../platform/current.ts';
import { giveBy } from '../workers/gift.ts';
import { agentName, assumeIdentity, MAIN_THREAD_NAME, newCounters } from '../workers/identity.ts';
import { endWhenIdle } from '../workers/process/ending.ts';
import { beginJob, finishJob, readJob, writeOutcome } from '../workers/process/process-files.ts';
import { runTarget } from '../workers/run-target.ts';

giveBy(() => new SimpleQueue());

const SIGKILL = 9;

const { job, files } = readJob(takeJob());
beginJob(files);
if (job.workingFolder !== undefined) process.chdir(job.workingFolder);
const { identity, target, isMethod, cargo, parent } = job;
if (identity.daemon) dieWithParent();

const assumed = {
  process: identity,
  thread: { name: MAIN_THREAD_NAME, daemon: false },
  counters: newCounters(),
};
assumeIdentity(assumed);
inherit({ folder: job.folder, name: agentName(assumed), target });
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
  platform.setParentDeathSignal(SIGKILL);
  // It may have died before the kernel was asked.
  if (process.ppid !== identity.parent?.pid) process.kill(process.pid, 'SIGKILL');
}

/** Takes the job's path off the command line. */
function takeJob(): string {
  const [argument = ''] = process.argv.splice(2, 1);
  if (argument.startsWith(JOB_OPTION)) return argument.slice(JOB_OPTION.length);
  throw new StateError(
    'lockstep: a child process was started without a job, by something that runs process.argv[1] again, such as ' +
      'child_process.fork or cluster in a target; give it a file of its own',
  );
}
