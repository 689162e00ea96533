/** The target of every actor: does what the test orders, until the test hangs up. */

import type { AsyncHold } from 'lockstep';
import type { Style } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import type { Address } from './members/run.ts';
import { outcomeOf, serve } from './members/serving.ts';
import { operations, type Self } from './operations.ts';
import { fromReferencesOf, isHandle, type SharedObject } from './wire.ts';

export async function act(address: Address, style: Style): Promise<void> {
  const opened = new Map<string, object>();
  const holds = new Map<object, AsyncHold[]>();
  const self: Self = { style, holds };
  await serve(address, ({ operation, args }) =>
    outcomeOf(async () => {
      if (operation === 'forget') return await forget();
      const body: unknown = Reflect.get(operations, operation);
      if (typeof body !== 'function') throw new TypeError(`no operation ${operation}`);
      const values = (await fromReferencesOf(args, opened, backend.open)) as unknown[];
      return (await body(self, ...values)) as unknown;
    }),
  );

  /** Lets go of all that is left from a test. */
  async function forget(): Promise<void> {
    for (const hold of [...holds.values()].flat().reverse()) {
      try {
        await hold.release();
      } catch {
        // Released by another, as a test may do.
      }
    }
    holds.clear();
    for (const [reference, object] of opened) {
      if (isHandle(reference)) (object as SharedObject).close();
      else await backend.close(object);
    }
    opened.clear();
  }
}
