/**
 * FreshBytes: memory for bytes that the program gets to keep.
 *
 * If glibc returns freed memory to the kernel, every page of the next large array is a fault, which
 * costs more than the copy. glibc does so early, until it has met larger pieces. At its heap's end
 * it keeps twice the largest piece that was mapped separately and freed: 128 KiB at first, 64 MiB
 * at most. So the first large array in a process comes with a piece of nearly 32 MiB that nobody
 * touches. It is freed at the next garbage collection, and then up to 64 MiB stay.
 * `MALLOC_TRIM_THRESHOLD_` overrides this. Source: mallopt(3), M_MMAP_THRESHOLD and
 * M_TRIM_THRESHOLD.
 */

/** Bytes from which an array is large. */
const LARGE = 64 * 1024;
/** Just below the largest piece that counts, with its header. */
const PIECE = 32 * 1024 * 1024 - 64 * 1024;

let prepared = false;

/** An array of `length` bytes, not cleared, with memory of its own. */
export function freshBytes(length: number): Uint8Array {
  if (!prepared && length >= LARGE) {
    prepared = true;
    Buffer.allocUnsafeSlow(PIECE);
  }
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}
