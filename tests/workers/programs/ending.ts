/** Programs that end in many ways while they have children: which, the first argument says. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Event, isMainProcess, Process, Thread } from 'lockstep';

export async function lateLine(line: string): Promise<void> {
  await sleep(50);
  console.log(line);
}

export function endure(ready: Event): void {
  ready.set();
  setInterval(() => {}, 1000);
}

export function ignoreTerm(ready: Event): void {
  process.on('SIGTERM', () => console.log('ignored'));
  endure(ready);
}

export function print(lines: string[]): void {
  for (const line of lines) console.log(line);
}

export async function ownChildren(): Promise<void> {
  startLate('grandchild');
}

export function failsInside(): void {
  throw new TypeError('in the target');
}

function startLate(prefix: string): void {
  new Process({ target: lateLine, args: [`${prefix} process`] }).start();
  new Thread({ target: lateLine, args: [`${prefix} thread`] }).start();
}

function startEnduring(target: (ready: Event) => void, daemon: boolean): Process {
  const ready = new Event();
  const child = new Process({ target, args: [ready], daemon });
  child.start();
  ready.waitSync();
  console.log(child.pid);
  return child;
}

const ways: Record<string, () => void | Promise<void>> = {
  naturally: () => startLate('late'),
  exit() {
    startLate('late');
    process.exit(5);
  },
  throw() {
    const child = new Process({ target: lateLine, args: ['late process'] });
    child.start();
    const slow = new Process({ target: slowLine, args: ['slow process'] });
    slow.start();
    throw new Error('in the program');
  },
  grandchildren() {
    new Process({ target: ownChildren }).start();
  },
  daemons() {
    startEnduring(endure, true);
    new Thread({ target: endure, args: [new Event()], daemon: true }).start();
  },
  daemonsExit() {
    startEnduring(endure, true);
    process.exit(0);
  },
  stubborn() {
    startEnduring(ignoreTerm, true);
  },
  killed() {
    startEnduring(endure, true);
    startEnduring(endure, false);
    setInterval(() => {}, 1000);
  },
  printed() {
    const children = [
      new Process({ target: print, args: [['process']] }),
      new Thread({ target: print, args: [['thread']] }),
    ];
    for (const child of children) {
      child.start();
      if (!child.joinSync() || child.exitCode !== 0) process.exit(1);
    }
  },
  failing() {
    new Process({ target: failsInside }).start();
    new Thread({ target: failsInside }).start();
  },
  interleaved() {
    const lines = Array.from({ length: 200 }, (_, n) => `line ${n} ${'x'.repeat(n)}`);
    const threads = [1, 2, 3].map(() => new Thread({ target: print, args: [lines] }));
    for (const thread of threads) thread.start();
    for (const thread of threads) thread.joinSync();
    console.log('all joined');
  },
};

export async function slowLine(line: string): Promise<void> {
  await sleep(600);
  console.log(line);
}

if (isMainProcess) await ways[process.argv[2] ?? '']?.();
