/** Programs that hold the named lock `held`, one after the other, until they are killed. */

import assert from 'node:assert/strict';
import { Program, type ProgramOptions } from '../support/programs.ts';
import { until } from '../support/until.ts';

/** The report of a holder. */
interface Held {
  pid: number;
  owner: number;
  recovered: boolean;
  /** How many have held it, it among them. */
  starts: number;
}

export class Holder {
  readonly program: Program;

  /** `by`: the program holds the lock itself, or a child process of its own does. */
  constructor(options: Omit<ProgramOptions, 'args'> = {}, by: 'self' | 'child' = 'self') {
    this.program = new Program('holds-named', { ...options, args: [by] });
  }

  get pid(): number | undefined {
    return this.program.child.pid;
  }

  get holds(): boolean {
    return this.program.stdout.split('\n').length > 2;
  }

  /** Resolves when it waits for the lock, or has it. */
  async asked(): Promise<this> {
    await this.told(() => this.program.stdout.startsWith('asked\n'), 'ask for');
    return this;
  }

  /** Resolves when it has the lock. */
  async held(): Promise<Held> {
    await this.told(() => this.holds, 'hold');
    return JSON.parse(this.program.stdout.split('\n')[1] ?? '') as Held;
  }

  /** Kills it, and resolves when it is dead. */
  async kill(): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.ended;
  }

  private async told(condition: () => boolean, what: string): Promise<void> {
    const { child } = this.program;
    const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
    await until(() => condition() || ended(), `a program to ${what} the lock`);
    assert.deepEqual([this.program.stderr, condition()], ['', true]);
  }
}

/** The one of them that holds the lock first, and the others. */
export async function firstOf(...holders: readonly [Holder, ...Holder[]]): Promise<[Holder, ...Holder[]]> {
  await until(() => holders.some(({ holds }) => holds), 'one of the programs to hold the lock');
  const first = holders.find(({ holds }) => holds) ?? holders[0];
  return [first, ...holders.filter((holder) => holder !== first)];
}
