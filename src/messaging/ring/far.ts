/**
 * Far: items that are too large for the ring, each in a file of its own beside it.
 *
 *   item-<cell>-<generation>-<number>   the payload; written before the item is put, removed by who has taken it
 *
 * The files are the count of what they hold: together no more than the ring, but for one item that is alone.
 *
 * Who dies between the two leaves a file. Whoever writes one removes those, which are of no item in the ring; all go with the queue.
 */

import { readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { itemPath, itemsOf } from '../../namespaces/data-files.ts';
import { FILE_MODE, withRoom } from '../../platform/room.ts';
import { NUMBER_MASK } from './ring.ts';

export class Far {
  private readonly folder: string;
  private readonly of: { readonly number: number; readonly generation: number };

  constructor(folder: string, of: { readonly number: number; readonly generation: number }) {
    this.folder = folder;
    this.of = of;
  }

  /** Writes the payload of item `number`, with the lock to put; the oldest in the ring is `oldest`. Throws `NoSpaceError`, with nothing left. */
  write(number: number, oldest: number, bytes: Uint8Array): void {
    for (const item of itemsOf(this.folder, this.of.number, this.of.generation)) {
      if (((item - oldest) & NUMBER_MASK) >= ((number - oldest) & NUMBER_MASK)) this.remove(item);
    }
    const path = this.path(number);
    try {
      withRoom(path, () => writeFileSync(path, bytes, { mode: FILE_MODE }));
    } catch (error) {
      this.remove(number);
      throw error;
    }
  }

  /** Bytes of the payloads of the items from number `oldest` on, before number `next`. */
  bytesBetween(oldest: number, next: number): number {
    let bytes = 0;
    for (const item of itemsOf(this.folder, this.of.number, this.of.generation)) {
      if (((item - oldest) & NUMBER_MASK) >= ((next - oldest) & NUMBER_MASK)) continue;
      bytes += ifThere(() => statSync(this.path(item)).size) ?? 0;
    }
    return bytes;
  }

  /** The payload; `undefined` if somebody has taken the item. */
  read(number: number): Buffer | undefined {
    return ifThere(() => readFileSync(this.path(number)));
  }

  remove(number: number): void {
    ifThere(() => unlinkSync(this.path(number)));
  }

  private path(number: number): string {
    return itemPath(this.folder, this.of.number, this.of.generation, number);
  }
}

function ifThere<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
