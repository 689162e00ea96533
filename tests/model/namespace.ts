/** Namespace of the model: no folder behind it. Bells and slot locks are the machine's. */

import type { Bell, Bells, Berth, Directory, Namespace, OwnLife, Watch } from './internals.ts';
import type { Library } from './library.ts';
import { machine, OP, segment } from './machine.ts';
import { sleepInBerth } from './park.ts';

/** A namespace with what belongs to the one agent that uses it. */
export interface ModelNamespace extends Namespace {
  /** The agent's handler of a ring. */
  answer: (cell: number) => void;
}

export type MakeNamespace = (folder: string, slot: number) => ModelNamespace;

export function namespacesOf(lib: Library): MakeNamespace {
  const directories = new Map<string, Directory>();
  const directoryAt = (folder: string): Directory => {
    const known = directories.get(folder);
    if (known !== undefined) return known;
    const directory = lib.Directory.open(folder);
    if (directory === undefined) throw new Error(`${folder} is missing`);
    directories.set(folder, withoutFiles(directory));
    return directory;
  };
  class Modelled extends lib.Namespace implements ModelNamespace {
    answer = (_cell: number): void => {};
    private readonly slot: number;
    private seated = false;

    constructor(folder: string, slot: number) {
      super(directoryAt(folder), segment, 0, (namespace) => new lib.KeptRings(namespace));
      this.slot = slot;
    }

    /** Nobody removes the folder of the model. */
    override get isRemoved(): boolean {
      return false;
    }

    /** Gives the agent its slot; then, whatever the kernel says. */
    override tryLockSlot(wanted: number): boolean {
      if (this.seated) return machine.operate(OP.LOCK_SLOT, wanted, 0, 0) === 1;
      if (wanted !== this.slot) return false;
      this.seated = true;
      return true;
    }

    override unlockSlot(slot: number): void {
      machine.operate(OP.UNLOCK_SLOT, slot, 0, 0);
    }

    override beginLife(): OwnLife {
      return { shout: () => {}, close: () => {} };
    }

    override watchLife(): Watch {
      return { close: () => {} };
    }

    override keepYoung(): void {}

    override watchFolder(): Watch {
      return { close: () => {} };
    }

    override berth(slot: number): Berth {
      return {
        prepare: () => ({ complete: true, fresh: [], ended: [] }),
        sleep: () => ({ outcome: sleepInBerth(slot) ? 'roused' : 'timeout', ended: [], shouted: false }),
        forget: () => {},
        close: () => {},
      };
    }

    override hangBell(slot: number, answer: (cell: number) => void): Bell {
      this.answer = answer;
      machine.operate(OP.HANG, slot, 0, 0);
      const drain = (): void => eachRung(machine.operate(OP.DRAIN, slot, 0, 0), answer);
      return { keepAlive: () => {}, drain, close: () => {} };
    }

    override bells(): Bells {
      const ring = (slot: number, cell: number): boolean => {
        machine.operate(OP.RING, slot, cell, 0);
        return true;
      };
      const rouse = (slot: number): boolean => {
        machine.operate(OP.ROUSE, slot, 0, 0);
        return true;
      };
      return { ring, rouse, close: () => {} };
    }

    override leave(): void {}
  }
  return (folder, slot) => new Modelled(folder, slot);
}

/**
 * The folder in which nobody finds, writes or removes a file. Files are not modelled: names and
 * notes of refused deadlocks. Each run would go to the real folder for them, which is most of its
 * time.
 */
function withoutFiles(directory: Directory): Directory {
  const nothing = { list: () => [], write: () => {}, remove: () => {} } satisfies Partial<Directory>;
  // Another user's folder is left alone, with the names in it.
  return Object.defineProperty(Object.assign(directory, nothing), 'isForeign', { value: true });
}

/** Calls `answer` for each cell of the set. */
export function eachRung(rung: number, answer: (cell: number) => void): void {
  for (let cell = 0; rung >> cell !== 0; cell++) if (((rung >> cell) & 1) !== 0) answer(cell);
}
