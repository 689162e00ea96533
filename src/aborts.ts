/**
 * Aborts: any number of waits on one signal, with one listener on it. A program gives its shutdown
 * signal to many waits at a time, and Node warns of a leak when one signal has many listeners. The
 * listener goes with the last wait.
 */

interface Aborting {
  readonly acts: Set<() => void>;
  readonly listener: () => void;
}

const watched = new WeakMap<AbortSignal, Aborting>();

/** Signals whose abort is a word of shared memory, with a function that looks at the word. */
const looks = new WeakMap<AbortSignal, () => void>();

/** Notes that `look` aborts the signal if its word says so: a blocked thread looks, too. */
export function abortsByWord(signal: AbortSignal, look: () => void): void {
  looks.set(signal, look);
}

/** Whether the signal may abort while this thread blocks. If so, looks at its word first. */
export function lookForAbort(signal: AbortSignal | undefined): boolean {
  const look = signal === undefined ? undefined : looks.get(signal);
  if (look === undefined) return false;
  look();
  return true;
}

/**
 * Calls `act` once when the signal is aborted. Returns a function that ends this; harmless
 * afterwards.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const aborting = watched.get(signal) ?? watch(signal);
  // A listener of its own for each call, also for calls with the same function.
  const once = (): void => act();
  aborting.acts.add(once);
  return () => {
    aborting.acts.delete(once);
    if (aborting.acts.size === 0) forget(signal, aborting);
  };
}

function watch(signal: AbortSignal): Aborting {
  const acts = new Set<() => void>();
  const listener = (): void => {
    forget(signal, aborting);
    for (const act of [...acts]) if (acts.delete(act)) act();
  };
  const aborting = { acts, listener };
  watched.set(signal, aborting);
  signal.addEventListener('abort', listener);
  return aborting;
}

function forget(signal: AbortSignal, aborting: Aborting): void {
  if (watched.get(signal) !== aborting) return;
  watched.delete(signal);
  signal.removeEventListener('abort', aborting.listener);
}
