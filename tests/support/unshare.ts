/** Namespaces of the kernel: programs that see other processes, users or mounts than this one. */

import { spawnSync } from 'node:child_process';

/** As who a program is, in a user namespace where that is needed to make the others. */
const AS_SELF = process.geteuid?.() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];

/** Runs a command in a pid namespace of its own; it dies with the process that runs this. */
export const OWN_PIDS: readonly string[] = [
  'unshare',
  ...AS_SELF,
  '--pid',
  '--fork',
  '--kill-child=SIGKILL',
  '--mount-proc',
];

/**
 * The same with everything else that a container has of its own, too; but it sees the same files.
 */
export const OWN_EVERYTHING: readonly string[] = [...OWN_PIDS, '--ipc', '--uts', '--net'];

/** Runs a command that sees the folder at another path. */
export function seeing(folder: string, at: string): string[] {
  return [...OWN_EVERYTHING, 'sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', folder, at];
}

/** Why the command can't be run here; `false` if it can. */
export function whyNot(command: readonly string[]): string | false {
  const [program = '', ...args] = [...command, 'true'];
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status === 0) return false;
  return `${command.slice(0, 3).join(' ')}… is refused here: ${error?.message ?? stderr.trim()}`;
}
