/** Programs that keep spares, and end in many ways. The first argument says which. */

import { isMainProcess, Process, Queue, Thread, Value } from 'lockstep';
import { sparesOf } from './spares.ts';
import { countsWarm, exits, find, readsStandardInput, tellsPid } from './targets.ts';

/** A user who is not root. */
const NOBODY = 65_534;

const programs: Record<string, () => void | Promise<void>> = {
  /** Lives on until it is killed. */
  async keeps() {
    await Process.warm(2);
    tell(...sparesOf(process.pid));
    setInterval(() => {}, 1000);
  },
  /** Blocks while its spares are being started. */
  blocksEarly() {
    void Process.warm(2);
    tell(...sparesOf(process.pid));
    blockForEver();
  },
  /** Is killed in the same moment in which its child is started. */
  async isKilled() {
    await Process.warm(1);
    const daemon = process.argv[3] === 'daemon';
    const pids = new Queue<number>({ name: 'pids', namespace: 'warm' });
    const child = new Process({ target: tellsPid, args: [pids], daemon });
    child.start();
    process.kill(process.pid, 'SIGKILL');
  },
  async ends() {
    await Process.warm(2);
    tell(...sparesOf(process.pid));
  },
  async exits() {
    await Process.warm(2);
    process.exit(3);
  },
  async fails() {
    await Process.warm(2);
    throw new Error('of the program');
  },
  /** Has a child, of which it awaits the end when it has nothing else to do. */
  async hasChild() {
    await Process.warm(2);
    new Process({ target: exits, args: [0] }).start();
  },
  async dropsRights() {
    await Process.warm(1);
    const [spare] = sparesOf(process.pid);
    process.setgroups!([]);
    process.setgid!(NOBODY);
    process.setuid!(NOBODY);
    const child = new Process({ target: find });
    child.start();
    const { warm, ids } = await child.result;
    tell(JSON.stringify({ spare, warm, ids }));
  },
  async readsInput() {
    await Process.warm(1);
    const child = new Process({ target: readsStandardInput });
    child.start();
    const { warm, input } = await child.result;
    tell(warm, input);
  },
  /** Starts, and joins, without ever running its event loop. */
  async blocks() {
    await Process.warm(1);
    using warm = new Value('i32', 0);
    for (let round = 0; round < 3; round++) {
      const child = new Process({ target: countsWarm, args: [warm] });
      child.start();
      child.joinSync();
      // Long enough for the next spare to be made.
      const slow = new Process({ target: sleeps, args: [600] });
      if (round < 2) {
        slow.start();
        slow.joinSync();
      }
    }
    tell(warm.value);
  },
  /** A thread keeps spares, and is ended. */
  async thread() {
    const ready = new Value('i32', 0);
    const thread = new Thread({ target: keepsInThread, args: [ready] });
    thread.start();
    while (ready.value === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    tell(...sparesOf(process.pid));
    thread.terminate();
    await thread.join();
    const end = Date.now() + 10_000;
    while (sparesOf(process.pid).length > 0 && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 1));
    tell(sparesOf(process.pid).length);
  },
  /** Replaces no spares that Ctrl-C has ended. */
  async interrupted() {
    process.on('SIGINT', () => {});
    await Process.warm(2);
    tell(...sparesOf(process.pid));
    setInterval(() => {}, 1000);
  },
};

export async function keepsInThread(ready: Value): Promise<void> {
  await Process.warm(2);
  ready.value = 1;
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

export function sleeps(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function tell(...words: unknown[]): void {
  process.stdout.write(`${words.join(' ')}\n`);
}

function blockForEver(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

if (isMainProcess) await programs[process.argv[2]!]!();
