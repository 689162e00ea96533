/** Bootstrap of a child process: the first thing that runs in it. */

import '../index.ts';
import { JOB_OPTION } from '../agents/child-context.ts';
import { inherit } from '../agents/membership.ts';
import { StateError } from '../errors.ts';
import { SimpleQueue } from '../messaging/simple-queue.ts';
import { giveBy } from '../workers/gift.ts';
import { agentName, assumeIdentity, MAIN_THREAD_NAME, newCounters } from '../workers/identity.ts';
import { endWhenIdle } from '../workers/process/ending.ts';
import { dieWith, whenGiven } from '../workers/process/parking.ts';
import { beginJob, finishJob, readJob, writeOutcome } from '../workers/process/process-files.ts';
import { takeOver } from '../workers/process/takeover.ts';
import { runTarget } from '../workers/run-target.ts';
import { rehearse } from './rehearsal.ts';

giveBy(() => new SimpleQueue());

whenGiven(takeJob(), rehearse, begin);

function begin(given: string): void {
  const { job, files } = readJob(given);
  beginJob(files);
  const { identity, startedBy, target, isMethod, cargo, parent, takeover, workingFolder } = job;
  if (identity.daemon) dieWith(identity.parent?.pid, startedBy);
  if (takeover !== undefined) takeOver(takeover);
  else if (workingFolder !== undefined) process.chdir(workingFolder);

  const assumed = {
    process: identity,
    thread: { name: MAIN_THREAD_NAME, daemon: false },
    counters: newCounters(),
  };
  assumeIdentity(assumed);
  inherit({ folder: job.folder, name: agentName(assumed), target, parent: identity.parent?.pid });
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
}

/** Takes the job off the command line. */
function takeJob(): string {
  const [argument = ''] = process.argv.splice(2, 1);
  // Behind the colon is the descriptor of a code cache (src/chunk.ts).
  if (argument.startsWith(JOB_OPTION)) return argument.slice(JOB_OPTION.length).replace(/^(\d+):\d+$/, '$1');
  throw new StateError(
    'lockstep: a child process was started without a job, by something that runs process.argv[1] again, such as ' +
      'child_process.fork or cluster in a target; give it a file of its own',
  );
}
