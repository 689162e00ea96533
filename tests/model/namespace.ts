/** Namespace of the model: no folder behind it. Bells and slot locks are the machine's. */

import type { Bell, Bells, Directory, Namespace } from './internals.ts';
import type { Library } from './library.ts';
import { machine, OP, segment } from './machine.ts';

/** A namespace with what belongs to the one agent that uses it. */
export interface ModelNamespace extends Namespace {
  /** What the agent does with a ring. */
  answer: (cell: number) => void;
}

export type MakeNamespace = (folder: string, slot: number) => ModelNamespace;

export function namespacesOf(lib: Library): MakeNamespace {
  const directories = new Map<string, Directory>();
  const directoryAt = (folder: string): Directory => {
    const directory = directories.get(folder) ?? lib.Directory.open(folder);
    if (directory === undefined) throw new Error(`${folder} is missing`);
    directories.set(folder, directory);
    return directory;
  };
  class Modelled extends lib.Namespace implements ModelNamespace {
    answer = (_cell: number): void => {};
    private readonly slot: number;
    private seated = false;

    constructor(folder: string, slot: number) {
      super(directoryAt(folder), segment, 0);
      this.slot = slot;
    }

    /** Gives the agent its slot; then, whatever the kernel says. */
    override tryLockSlot(wanted: number): number | undefined {
      if (this.seated) return machine.operate(OP.LOCK_SLOT, wanted, 0, 0) === 1 ? wanted : undefined;
      if (wanted !== this.slot) return undefined;
      this.seated = true;
      return wanted;
    }

    override unlockSlot(lock: number): void {
      machine.operate(OP.UNLOCK_SLOT, lock, 0, 0);
    }

    override hangBell(slot: number, answer: (cell: number) => void): Bell {
      this.answer = answer;
      machine.operate(OP.HANG, slot, 0, 0);
      const drain = (): void => eachRung(machine.operate(OP.DRAIN, slot, 0, 0), answer);
      return { keepAlive: () => {}, drain, close: () => {} };
    }

    override bells(): Bells {
      const ring = (slot: number, cell: number): void => {
        machine.operate(OP.RING, slot, cell, 0);
      };
      return { ring, close: () => {} };
    }

    override leave(): void {}
  }
  return (folder, slot) => new Modelled(folder, slot);
}

/** Calls `answer` for each cell of the set. */
export function eachRung(rung: number, answer: (cell: number) => void): void {
  for (let cell = 0; rung >> cell !== 0; cell++) if (((rung >> cell) & 1) !== 0) answer(cell);
}
