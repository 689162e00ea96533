/** Runs programs of their own, as a user would: `node program.js`. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

interface ProgramOptions {
  args?: string[];
  nodeArgs?: string[];
  env?: Record<string, string | undefined>;
}

export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';

  constructor(name: string, { args = [], nodeArgs = [], env = {} }: ProgramOptions = {}) {
    const file = fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url));
    this.child = spawn(process.execPath, [...nodeArgs, file, ...args], {
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
