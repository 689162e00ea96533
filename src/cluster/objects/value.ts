/** ClusterValue: one number that all processes of a cluster share. */

import { inspect } from 'node:util';
import type { AsyncHold, AsyncValue } from '../../contracts.ts';
import { InvalidTypeError, OutOfRangeError, StaleTokenError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { ValueMachine } from '../machines/kinds.ts';
import { numberMachine } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import type { ValueCall, ValueReply } from '../machines/value.ts';
import type { Core } from './core.ts';
import { look, perform } from './core.ts';

export interface GuardOptions {
  /**
   * The hold under which the value is written. The value remembers the largest token, and refuses a
   * smaller one with `StaleTokenError`: a holder that was suspended and has lost its lease writes
   * nothing.
   */
  hold?: AsyncHold | undefined;
}

/**
 * A number: any finite one. Each operation is one atomic step at the server. It is made once, even
 * if it has to be sent repeatedly, and resolves to the previous value.
 */
export class ClusterValue implements AsyncValue {
  readonly name: string;
  private readonly core: Core;
  private readonly machine: ValueMachine;
  private readonly title: string;

  /** @internal */
  constructor(core: Core, name: string, initial: number) {
    this.core = core;
    this.name = name;
    this.title = `Value ${JSON.stringify(name)}`;
    this.check(initial);
    this.machine = numberMachine(initial);
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.title}>`;
  }

  get value(): Promise<number> {
    return this.get();
  }

  async get(): Promise<number> {
    return this.numberIn(await look(this.core, this.name, this.machine, { op: 'get' }));
  }

  /** Stores the value. */
  async set(value: number, options?: GuardOptions): Promise<void> {
    await this.exchange(value, options);
  }

  /**
   * Adds; throws `OutOfRangeError` where whole numbers would no longer be exact, or the sum would
   * be infinite.
   */
  add(operand: number, options?: GuardOptions): Promise<number> {
    return this.change('add', operand, options);
  }

  sub(operand: number, options?: GuardOptions): Promise<number> {
    return this.change('add', -this.check(operand), options);
  }

  /** Stores; resolves to the previous value. */
  exchange(value: number, options?: GuardOptions): Promise<number> {
    return this.change('set', value, options);
  }

  /** Stores `desired` if the value is `expected`; resolves to the previous value. */
  async compareExchange(expected: number, desired: number, options?: GuardOptions): Promise<number> {
    const guard = options?.hold?.token ?? 0;
    this.check(expected);
    this.check(desired);
    return this.make((call) => ({ op: 'compare', call, expected, operand: desired, guard }));
  }

  async describe(): Promise<{ kind: 'Value'; name: string; value: number }> {
    return { kind: 'Value', name: this.name, value: await this.get() };
  }

  private async change(op: 'add' | 'set', operand: number, options?: GuardOptions): Promise<number> {
    const guard = options?.hold?.token ?? 0;
    this.check(operand);
    return this.make((call) => ({ op, call, operand, guard }));
  }

  private async make(callAs: (id: CallId) => ValueCall): Promise<number> {
    return this.numberIn((await perform(this.core, this.name, this.machine, callAs)).reply);
  }

  private numberIn(reply: ValueReply): number {
    if (reply.is === 'was') return reply.value;
    if (reply.is === 'range') {
      throw new OutOfRangeError(
        `${this.title}: can't add to ${reply.value}, the sum can't be kept; keep whole numbers within 2 ** 53`,
      );
    }
    throw new StaleTokenError(
      `${this.title}: refused, the hold's token is older than ${reply.guard}, another holder has written; give up`,
    );
  }

  private check(value: unknown): number {
    if (typeof value !== 'number')
      throw new InvalidTypeError(`${this.title}: refused, ${inspect(value)} is not a number; pass one`);
    if (Number.isFinite(value)) return value;
    throw new OutOfRangeError(`${this.title}: refused, ${value} can't be kept; pass a finite number`);
  }
}

showAsText(ClusterValue);
