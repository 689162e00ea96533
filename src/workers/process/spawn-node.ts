/** Starting Node with a job: for a child that begins at once, and for a spare that waits. */

import type { ChildProcess, StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { JOB_OPTION } from '../../agents/child-context.ts';
import { PlatformError } from '../../errors.ts';
import { PROCESS_BOOTSTRAP } from '../identity.ts';
import { optionsForProcess } from '../node-options.ts';

export type StartedNode = ChildProcess & { pid: number };

/**
 * Starts Node in the folder; `undefined` for where this process is. `job` is what its command line
 * says. Throws where the system refuses; the job's file is then still there.
 */
export function spawnNode(
  job: string,
  stdio: StdioOptions,
  folder: string | undefined,
  title: string,
): StartedNode {
  // Loaded when first needed: it takes a fifth of the time that Node takes to start.
  const { spawn } = process.getBuiltinModule('node:child_process');
  const command = [
    ...optionsForProcess(),
    fileURLToPath(PROCESS_BOOTSTRAP),
    `${JOB_OPTION}${job}`,
    ...process.argv.slice(2),
  ];
  let child: ChildProcess;
  let cause: unknown;
  try {
    child = spawn(process.execPath, command, { stdio, cwd: folder });
    if (child.pid !== undefined) return child as StartedNode;
    // The reason comes as an event, after this call.
    child.once('error', () => {});
  } catch (error) {
    cause = error;
  }
  const reason = cause === undefined ? '' : ` (${(cause as Error).message})`;
  throw new PlatformError(
    `${title}: can't be started, the system refused to start ${process.execPath}${reason}; ` +
      'check its limits (ulimit -u, -n, -v), the length of its arguments and environment, and the working directory',
    cause === undefined ? undefined : { cause },
  );
}
