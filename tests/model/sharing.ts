/**
 * Sharing: which words are touched by several actors and written by one of them. Only what is done
 * to these can make a difference.
 */

import { CONTROL_WORDS } from './internals.ts';
import { OP } from './machine.ts';

export class Sharing {
  /** Whether a word turned out to be shared since this was last set to `false`. */
  learned = false;
  /** A bit per actor. */
  private readonly readers = new Int32Array(CONTROL_WORDS);
  private readonly writers = new Int32Array(CONTROL_WORDS);
  private readonly shared = new Uint8Array(CONTROL_WORDS);

  /**
   * Notes that the actor does the operation on word `at`. Returns whether that is known to be
   * shared.
   */
  touch(op: number, at: number, actor: number): boolean {
    const bit = 1 << actor;
    const touchers = op === OP.LOAD || op === OP.PARK ? this.readers : this.writers;
    touchers[at] = touchers[at]! | bit;
    if (this.shared[at] === 1) return true;
    const all = this.readers[at]! | this.writers[at]!;
    if (this.writers[at] === 0 || (all & (all - 1)) === 0) return false;
    this.shared[at] = 1;
    this.learned = true;
    return true;
  }
}
