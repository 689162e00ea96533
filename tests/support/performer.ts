/** Performer: carries out the orders of an actor, with the objects that it has opened. */

import type { AsyncHold } from 'lockstep';
import type { Party, Style } from './backends/backend.ts';
import { outcomeOf } from './members/serving.ts';
import { operations, type Self } from './operations.ts';
import { fromReferencesOf, isHandle, type Order, type Outcome, type SharedObject } from './wire.ts';

export class Performer {
  private readonly party: Party;
  private readonly opened = new Map<string, object>();
  private readonly holds = new Map<object, AsyncHold[]>();
  private readonly self: Self;

  constructor(party: Party, style: Style) {
    this.party = party;
    this.self = { style, party, holds: this.holds };
  }

  obey({ operation, args }: Order): Promise<Outcome> {
    return outcomeOf(async () => {
      if (operation === 'forget') return await this.forget();
      const body: unknown = Reflect.get(operations, operation);
      if (typeof body !== 'function') throw new TypeError(`no operation ${operation}`);
      const open = (reference: string): object | Promise<object> => this.party.open(reference);
      const values = (await fromReferencesOf(args, this.opened, open)) as unknown[];
      return (await body(this.self, ...values)) as unknown;
    });
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
