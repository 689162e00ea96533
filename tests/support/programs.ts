/** Runs programs of their own, as a user would: `node program.js`. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAMS = new URL('../programs/', import.meta.url);

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  args?: string[];
  nodeArgs?: string[];
  /** Where it is, if not in tests/programs of this Lockstep. */
  from?: URL;
  /** A command that runs it, such as `unshare --pid`. */
  within?: readonly string[];
  /** The user and group that runs it. */
  user?: number;
  env?: Record<string, string | undefined>;
}

export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';

  constructor(name: string, options: ProgramOptions = {}) {
    const { args = [], nodeArgs = [], from = PROGRAMS, within = [], user, env = {} } = options;
    const file = fileURLToPath(new URL(`${name}.js`, from));
    const [command = '', ...rest] = [...within, process.execPath, ...nodeArgs, file, ...args];
    this.child = spawn(command, rest, {
      ...(user === undefined ? {} : { uid: user, gid: user }),
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      return { code, signal, stdout: this.stdout, stderr: this.stderr };
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs the program to its end. */
export function run(name: string, options?: ProgramOptions): Promise<Ending> {
  return new Program(name, options).ended;
}
