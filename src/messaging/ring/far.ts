/**
 * Far: items that are too large for the ring, each in a file of its own beside it.
 *
 *   item-<cell>-<generation>-<number>   the payload; written before the item is put, removed
 *                                       by its taker
 *
 * The files are the count of what they hold: together no more than the ring, but for one item that
 * is alone.
 *
 * An agent that dies between the two leaves a file. The writer of the next one removes those, which
 * belong to no item in the ring; all end with the queue.
 */

import { itemFile, itemsOf } from '../../namespaces/data-files.ts';
import type { Directory } from '../../platform/directory.ts';
import { NUMBER_MASK } from './ring-words.ts';

export class Far {
  private readonly directory: Directory;
  private readonly of: { readonly number: number; readonly generation: number };

  constructor(directory: Directory, of: { readonly number: number; readonly generation: number }) {
    this.directory = directory;
    this.of = of;
  }

  /**
   * Writes the payload of item `number`, with the lock to put; the oldest in the ring is `oldest`.
   * Throws `NoSpaceError`, with nothing left.
   */
  write(number: number, oldest: number, bytes: Uint8Array): void {
    for (const item of itemsOf(this.directory, this.of.number, this.of.generation)) {
      if (((item - oldest) & NUMBER_MASK) >= ((number - oldest) & NUMBER_MASK)) this.remove(item);
    }
    this.directory.write(this.file(number), bytes);
  }

  /** Bytes of the payloads of the items from number `oldest` on, before number `next`. */
  bytesBetween(oldest: number, next: number): number {
    let bytes = 0;
    for (const item of itemsOf(this.directory, this.of.number, this.of.generation)) {
      if (((item - oldest) & NUMBER_MASK) >= ((next - oldest) & NUMBER_MASK)) continue;
      bytes += this.directory.stat(this.file(item))?.size ?? 0;
    }
    return bytes;
  }

  /** The payload; `undefined` if another taker has the item. */
  read(number: number): Buffer | undefined {
    return this.directory.read(this.file(number));
  }

  remove(number: number): void {
    this.directory.remove(this.file(number));
  }

  private file(number: number): string {
    return itemFile(this.of.number, this.of.generation, number);
  }
}
