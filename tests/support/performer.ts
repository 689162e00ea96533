/** Performer: does what a test tells an actor, with the objects that it has opened. */

import type { AsyncHold } from 'lockstep';
import type { Party, Style } from './backends/backend.ts';
import { operations, type Self } from './operations.ts';
import { type Command, fromReferencesOf, isHandle, type Reply, type SharedObject } from './wire.ts';

export class Performer {
  private readonly party: Party;
  private readonly opened = new Map<string, object>();
  private readonly holds = new Map<object, AsyncHold[]>();
  private readonly self: Self;

  constructor(party: Party, style: Style) {
    this.party = party;
    this.self = { style, party, holds: this.holds };
  }

  async obey({ id, operation, args }: Command): Promise<Reply> {
    const start = performance.now();
    try {
      if (operation === 'forget') return { id, milliseconds: 0, value: await this.forget() };
      const body: unknown = Reflect.get(operations, operation);
      if (typeof body !== 'function') throw new TypeError(`no operation ${operation}`);
      const open = (reference: string): object | Promise<object> => this.party.open(reference);
      const values = (await fromReferencesOf(args, this.opened, open)) as unknown[];
      const value: unknown = await body(this.self, ...values);
      return { id, milliseconds: performance.now() - start, value };
    } catch (thrown) {
      const error = thrown as Error & { code?: unknown };
      const { name, message, code, stack = '', cause } = error;
      return {
        id,
        milliseconds: performance.now() - start,
        error: { name, message, code, stack, cause: String(cause) },
      };
    }
  }

  /** Lets go of all that is left from a test. */
  private async forget(): Promise<void> {
    for (const hold of [...this.holds.values()].flat().reverse()) {
      try {
        await hold.release();
      } catch {
        // Released by another, as a test may do.
      }
    }
    this.holds.clear();
    for (const [reference, object] of this.opened) {
      if (isHandle(reference)) (object as SharedObject).close();
      else await this.party.close(object);
    }
    this.opened.clear();
  }
}
