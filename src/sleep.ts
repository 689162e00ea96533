/** Sleeping: for a while, whatever happens. A sleeper that others wake up uses `#park`. */

/** A private word of this thread, on which no thread wakes it. */
let word: Int32Array | undefined;

/** *Blocks* the thread for so many milliseconds. */
export function sleep(milliseconds: number): void {
  word ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(word, 0, 0, milliseconds);
}
