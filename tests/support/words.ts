/** Words: plain numbers in shared memory by which a test and its members tell each other things. */

import { Value } from 'lockstep';

/** Without a lock of its own: each operation is atomic by itself. */
export type Word = Value<'i32'>;

export function word(value = 0): Word {
  return new Value('i32', value, { lock: false });
}

export function words(count: number, value = 0): Word[] {
  return Array.from({ length: count }, () => word(value));
}
