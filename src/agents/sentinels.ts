/**
 * Sentinels: signals that are aborted when a child ends. A blocked thread, which no event reaches,
 * polls for that end.
 */

const looks = new WeakMap<AbortSignal, () => boolean>();

/**
 * Registers `look`, which checks whether the signal's child has ended, and then aborts the signal.
 */
export function noteSentinel(signal: AbortSignal, look: () => boolean): void {
  looks.set(signal, look);
}

/** Whether the signal is that of a child. */
export function isSentinel(signal: AbortSignal): boolean {
  return looks.has(signal);
}

/** Whether the signal is aborted, or is about to be when the event loop gets its turn. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted || (looks.get(signal)?.() ?? false);
}
