/** Runs a file with this Node, to its end. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningFile {
  pid: number;
  ended: Promise<Ending>;
  /** The text that it has printed so far. */
  stdout(): string;
}

/** Root of the package's sources, as seen from the built tests. */
export const ROOT: URL = new URL('../../../', import.meta.url);

/** The built program of that name. */
export function program(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
}

/** A source file of these tests, as it was written. */
export function source(path: string): string {
  return fileURLToPath(new URL(`tests/workers/${path}`, ROOT));
}

export function startFile(args: string[], { shell = false } = {}): RunningFile {
  const command = shell ? `exec ${[process.execPath, ...args].join(' ')}` : process.execPath;
  const child = spawn(command, shell ? [] : args, {
    shell,
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      printed[stream] += String(chunk);
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...printed }));
  return { pid: child.pid!, ended, stdout: () => printed.stdout };
}

export function runFile(args: string[], options?: { shell?: boolean }): Promise<Ending> {
  return startFile(args, options).ended;
}
