/** The slot of an agent, as it stands in shared memory. */

import type { SharedObject } from '../support/wire.ts';

type Cell = import('../../src/agents/cell.ts').Cell;

export interface Slot {
  /** The process that sat down there last. */
  readonly pid: number;
  readonly state: { readonly taken: boolean; readonly live: boolean };
}

/** The slot in the object's namespace in which that process sits. */
export function slotOf(object: SharedObject, pid: number): Slot {
  const { namespace } = (Reflect.get(object, 'cell') as Cell).agent;
  for (let slot = 1; slot <= namespace.highSlot; slot++) {
    if (!namespace.isTaken(slot) || namespace.identity(slot).pid !== pid) continue;
    return {
      get pid() {
        return namespace.identity(slot).pid;
      },
      get state() {
        return { taken: namespace.isTaken(slot), live: namespace.isLive(slot) };
      },
    };
  }
  throw new Error(`process ${pid} has no slot`);
}
