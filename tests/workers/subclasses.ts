/** Processes and threads by subclass. */

import { currentProcess, currentThread, type Lock, Process, Thread } from 'lockstep';

export let constructed = 0;

interface Seen {
  sum: number;
  locked: boolean;
  isCurrent: boolean;
  name: string;
  id: number | null;
  constructed: number;
  counted: number;
}

export class SummingProcess extends Process<unknown> {
  readonly numbers: number[];
  readonly tools: { lock: Lock };
  counted = 0;

  constructor(numbers: number[], lock: Lock) {
    super({ name: 'summing' });
    constructed++;
    this.numbers = numbers;
    this.tools = { lock };
    this.on('exit', () => this.counted++);
  }

  override run(): Seen {
    const { numbers, tools } = this;
    this.counted++;
    return {
      sum: numbers.reduce((a, b) => a + b, 0),
      locked: tools.lock.locked,
      isCurrent: currentProcess() === this,
      name: this.name,
      id: this.pid === process.pid ? this.pid : null,
      constructed,
      counted: this.counted,
    };
  }
}

export class SummingThread extends Thread<unknown> {
  readonly numbers: number[];
  readonly tools: { lock: Lock };
  counted = 0;

  constructor(numbers: number[], lock: Lock) {
    super({ name: 'summing' });
    constructed++;
    this.numbers = numbers;
    this.tools = { lock };
    this.on('exit', () => this.counted++);
  }

  override async run(): Promise<Seen> {
    const { numbers, tools } = this;
    this.counted++;
    return {
      sum: numbers.reduce((a, b) => a + b, 0),
      locked: tools.lock.locked,
      isCurrent: currentThread() === this,
      name: this.name,
      id: this.ident,
      constructed,
      counted: this.counted,
    };
  }
}

export class FailingProcess extends Process {
  override run(): void {
    throw new Error('in run');
  }
}

export class WithFunction extends Process {
  readonly callback = (): void => {};

  override run(): void {}
}

export class WithTarget extends Process {
  override run(): unknown {
    return 'run was overridden';
  }
}

// biome-ignore lint/style/noDefaultExport: the default export is what the test is about
export default class extends Process {
  override run(): string {
    return 'default';
  }
}
