/**
 * Sentinels: signals that are aborted when a child ends, and how a blocked thread, which no event
 * reaches, sees that it has.
 */

const looks = new WeakMap<AbortSignal, () => boolean>();

/** Says how to look whether what the signal stands for has come; `look` then aborts it. */
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
