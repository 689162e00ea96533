/**
 * A program whose targets live in its main module, which is still running when they are started.
 */

import { isMainProcess, Lock, Process, Thread } from 'lockstep';

interface Answer<T> {
  kind: string;
  value: T;
}

export async function work<T>(lock: Lock, value: T): Promise<Answer<T>> {
  return lock.run(() => ({ kind: 'plain', value }));
}

export class Worker extends Process<unknown> {
  readonly values: number[];

  constructor(values: number[]) {
    super({});
    this.values = values;
  }

  override run(): number {
    return this.values.length satisfies number;
  }
}

if (isMainProcess) {
  const lock = new Lock();
  const children = [
    new Process({ target: work<string>, args: [lock, 'process'] }),
    ...(process.argv.includes('--no-thread')
      ? []
      : [new Thread({ target: work<string>, args: [lock, 'thread'] })]),
    new Worker([1, 2, 3]),
  ];
  for (const child of children) child.start();
  console.log(JSON.stringify(await Promise.all(children.map((child) => child.result as Promise<unknown>))));
}
