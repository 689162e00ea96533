/**
 * `lockstep run NAME -- command args…`: one run at a time on this machine.
 *
 * This process takes the lock of that name, as any program could, and starts the command. The
 * kernel frees the lock when this process ends, however it ends; and at the same moment it kills
 * the command (exec.ts), so that two never run at once.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { now, timeOfDay } from '#clock';
import { takeSnapshot } from '../inspect/snapshot.ts';
import { commandOf } from '../inspect/tasks.ts';
import type { AgentSnapshot } from '../inspect/types.ts';
import { namespaceFolder } from '../inspect/where.ts';
import { count, duration, visible } from '../inspect/words.ts';
import { CODE_ROOT } from '../package-root.ts';
import { HELD } from './exit-codes.ts';
import { isOfOutput } from './output.ts';

export interface RunOptions {
  readonly permits?: number | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** `false`: gives up at once where the name is held. */
  readonly wait: boolean;
  readonly namespace: string;
  readonly quiet?: boolean | undefined;
}

interface Hold {
  readonly recovered: boolean;
  release(): void;
}

/** Signals that are passed on. Those of the keyboard reach the command by themselves. */
const PASSED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const OF_KEYBOARD = ['SIGINT', 'SIGQUIT'] as const;

/** Runs the command while it holds the name; returns the exit code. */
export async function run(name: string, command: readonly string[], options: RunOptions): Promise<number> {
  const { BoundedSemaphore, Lock } = await import('lockstep');
  const { permits, timeout, namespace } = options;
  const object =
    permits === undefined
      ? new Lock({ name, namespace })
      : new BoundedSemaphore(permits, { name, namespace });
  const tell = (text: string): void => {
    if (options.quiet === true) return;
    try {
      process.stderr.write(`lockstep: ${text}\n`);
    } catch (error) {
      // The command runs, whether its messages can be written or not.
      if (!isOfOutput(error)) throw error;
    }
  };
  let hold: Hold | null = object.tryAcquire();
  if (hold === null) {
    tell(`${JSON.stringify(name)} is ${heldBy(name, namespace)}`);
    if (!options.wait) return HELD;
    const since = now();
    hold = await object.acquire(timeout === undefined ? {} : { timeout });
    if (hold === null) {
      tell(`gave up after ${duration(now() - since)}: ${JSON.stringify(name)} is ${heldBy(name, namespace)}`);
      return HELD;
    }
    tell(`has ${JSON.stringify(name)} after ${duration(now() - since)}`);
  }
  if (hold.recovered) tell(`the last holder of ${JSON.stringify(name)} was killed`);
  try {
    return await runCommand(command);
  } finally {
    hold.release();
    object.close();
  }
}

function runCommand(command: readonly string[]): Promise<number> {
  const wrapper = fileURLToPath(new URL('./cli/exec.js', CODE_ROOT));
  const child = spawn(process.execPath, [wrapper, String(process.pid), ...command], { stdio: 'inherit' });
  const stopPassing = passSignals(child);
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      stopPassing();
      // The exit code that a shell would report.
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function passSignals(child: ChildProcess): () => void {
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const fromKeyboard = process.stdin.isTTY || process.stderr.isTTY;
  const ofKeyboard = fromKeyboard ? (): void => {} : pass;
  for (const signal of PASSED) process.on(signal, pass);
  for (const signal of OF_KEYBOARD) process.on(signal, ofKeyboard);
  return () => {
    for (const signal of PASSED) process.off(signal, pass);
    for (const signal of OF_KEYBOARD) process.off(signal, ofKeyboard);
  };
}

/** `held by pid 4121 (npm test, in /home/w/api); 1 waits before this one`. */
function heldBy(name: string, namespace: string): string {
  const [seen] = takeSnapshot({ folders: [namespaceFolder(namespace)] }).namespaces;
  const object = seen?.objects.find((each) => each.name === name);
  const holders = (object?.holders ?? []).flatMap(
    ({ slot }) => seen?.agents.find((agent) => agent.slot === slot) ?? [],
  );
  if (holders.length === 0) return 'free again';
  const waiting = object?.waiting ?? 0;
  const before =
    waiting === 0 ? '' : `; ${count(waiting, 'call')} ${waiting === 1 ? 'waits' : 'wait'} already`;
  return `held by ${holders.map(holderText).join(', ')}${before}`;
}

function holderText({ pid, started }: AgentSnapshot): string {
  const told = commandOf(pid);
  const since =
    started === null ? '' : `, taken less than ${duration(Math.max(0, timeOfDay() - started) + 100)} ago`;
  return `pid ${pid}${told === '' ? '' : ` (${visible(told)}${since})`}`;
}
