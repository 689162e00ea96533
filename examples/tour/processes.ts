// Processes: made from a function or as a subclass; with names, pids, exit codes, and a daemon.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Lock, Process, parentProcess } from 'lockstep';
import { check } from './check.ts';

const introduce = () =>
  console.log(`${currentProcess().name}: pid ${process.pid}, child of ${parentProcess()?.pid}`);

export async function stay(ms: number, lock?: Lock) {
  introduce();
  await lock?.acquire();
  await sleep(ms);
  return process.ppid;
}

export function fail(): never {
  console.log(`${currentProcess().name}: fails on purpose; its error is printed as any other:`);
  throw new Error('this error is part of the program');
}

export const leave = (code: number): never => process.exit(code);

export async function host(lock: Lock) {
  introduce();
  new Process({ target: stay, args: [60_000, lock], daemon: true, name: 'daemon' }).start();
  while (!lock.locked) await sleep(10); // ends when the daemon has the lock
}

export class Greeter extends Process<string> {
  whom = 'nobody'; // its fields travel to the new process

  override run(): string {
    introduce();
    return `hello, ${this.whom}`;
  }
}

if (isMainProcess) {
  console.log(`main: pid ${process.pid}`);
  const byTarget = new Process({ target: stay, args: [200] });
  const greeter = new Greeter({ name: 'greeter' });
  greeter.whom = 'world';
  const before = byTarget.isAlive();
  byTarget.start();
  greeter.start();
  const during = byTarget.isAlive();
  check((await greeter.result) === 'hello, world', 'the subclass says: hello, world');
  check((await byTarget.result) === process.pid, `${byTarget.name} is a child of this program`);
  await byTarget.join();
  check(!before && during && !byTarget.isAlive(), 'not alive before start, alive after, not after its end');

  const failing = new Process({ target: fail });
  const leaving = new Process({ target: leave, args: [3] });
  const endless = new Process({ target: stay, args: [60_000] });
  for (const child of [failing, leaving, endless]) child.start();
  endless.terminate();
  const error = await failing.result.catch(({ message }) => message);
  await Promise.all([failing, leaving, endless].map((child) => child.join()));
  const codes = [byTarget, failing, leaving, endless].map((child) => child.exitCode);
  check(codes.join() === '0,1,3,-15', 'exit codes: 0 done, 1 failed, 3 by process.exit(3), -15 terminated');
  check(error === 'this error is part of the program', 'the error came home with the result');

  const lock = new Lock();
  const parent = new Process({ target: host, args: [lock], name: 'host' });
  parent.start();
  await parent.join();
  using hold = await lock.acquire();
  check(hold.recovered, 'the daemon ended with its parent: the lock that it held is free');
}
