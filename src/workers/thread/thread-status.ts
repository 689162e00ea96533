/**
 * Thread status: how a parent sees, without its event loop, that a thread of its process has ended,
 * and asks one that loads to end.
 *
 *   word  name   meaning                                   written by
 *   +0    STATE  0 running, 1 its exit listeners run       the thread
 *   +1    CODE   exit code, valid once STATE is 1          the thread
 *   +2    TASK   kernel's number of the thread, 0 unknown  parent or thread
 *   +3    PHASE  0 loading, 1 loaded, 2 asked to end       CAS: 0 to 1 the thread, to 2 the parent
 *   +4    OPENED 1: it has opened its shared objects        the thread
 *   +5    BEGUN  1: Lockstep runs in it                    the thread
 *   +6    STAGE  whether it may be terminated now          see platform/unbroken.ts
 *
 * STATE tells only that the end is near: the thread still runs its other exit listeners, and its
 * files (and so its locks) are open. It is over when the kernel no longer has such a task. A thread
 * that was terminated never sets STATE.
 */

import { platform } from '../../platform/current.ts';

const STATE = 0;
const CODE = 1;
const TASK = 2;
const PHASE = 3;
const OPENED = 4;
const BEGUN = 5;
const STAGE = 6;
const WORDS = 7;
const EXITING = 1;
const LOADING = 0;
const LOADED = 1;
const ASKED = 2;
/** Exit code of a thread that was terminated, as Node has it. */
export const TERMINATED = 1;
/**
 * Milliseconds between looks at a thread that is just ending, and at one that may be terminated.
 */
const ENDING_INTERVAL = 1;
const RUNNING_INTERVAL = 20;

export class ThreadStatus {
  readonly words: Int32Array;
  /** Kernel tasks of which one is the thread's, until the thread has said which. */
  private candidates: number[] = [];

  constructor(
    words: Int32Array = new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)),
  ) {
    this.words = words;
  }

  /**
   * Calls `start`, which starts the thread, and notes which kernel task it became. Calls `undo`
   * where it can't tell, before it throws what the kernel says.
   */
  observe<T>(start: () => T, undo: (started: T) => void): T {
    // Compare the tasks before and after: the new ones may be the thread.
    const before = new Set(platform.tasks());
    const started = start();
    try {
      this.candidates = platform.tasks().filter((task) => !before.has(task));
    } catch (error) {
      undo(started);
      throw error;
    }
    // Only one: that is certain.
    if (this.candidates.length === 1) Atomics.compareExchange(this.words, TASK, 0, this.candidates[0]!);
    return started;
  }

  /** From within the thread, first of all. */
  announce(): void {
    Atomics.store(this.words, TASK, platform.systemThread());
    Atomics.store(this.words, BEGUN, 1);
  }

  get hasBegun(): boolean {
    return Atomics.load(this.words, BEGUN) === 1;
  }

  /** From within the thread: it has opened the shared objects that it was given. */
  announceOpened(): void {
    Atomics.store(this.words, OPENED, 1);
  }

  get hasOpened(): boolean {
    return Atomics.load(this.words, OPENED) === 1;
  }

  /** From within the thread, by its exit listener. */
  announceExit(code: number): void {
    this.words[CODE] = code;
    Atomics.store(this.words, STATE, EXITING);
    Atomics.notify(this.words, STATE);
  }

  /**
   * Asks a thread that still loads its modules to end then. Returns `false` if it has loaded them.
   */
  ask(): boolean {
    return Atomics.compareExchange(this.words, PHASE, LOADING, ASKED) !== LOADED;
  }

  /** From within the thread: whether it was asked to end. */
  get asked(): boolean {
    return Atomics.load(this.words, PHASE) === ASKED;
  }

  /**
   * From within the thread, when all modules are loaded. Returns `false` if it was asked to end.
   */
  announceLoaded(): boolean {
    return Atomics.compareExchange(this.words, PHASE, LOADING, LOADED) !== ASKED;
  }

  /** The word by which the thread and its parent agree when it may be terminated. */
  get stage(): Int32Array {
    return this.words.subarray(STAGE, STAGE + 1);
  }

  /** Exit code if the thread is gone; `null` if not. */
  peek(): number | null {
    if (!this.isGone()) return null;
    return this.exitCode(Atomics.load(this.words, STATE) === EXITING ? this.words[CODE]! : TERMINATED);
  }

  /**
   * Its exit code, where Node says `code`. A thread that was asked to end and then terminated while
   * it loaded may have 0, as if its target had run.
   */
  exitCode(code: number): number {
    return code === 0 && this.asked ? TERMINATED : code;
  }

  /** *Blocks* for at most `milliseconds`; returns whether the thread is gone. */
  sleep(milliseconds: number): boolean {
    if (this.isGone()) return true;
    const exiting = Atomics.load(this.words, STATE) === EXITING;
    const interval = Math.min(milliseconds, exiting ? ENDING_INTERVAL : RUNNING_INTERVAL);
    // CODE never changes while a thread sleeps on it, so that is a pause. STATE does: its change
    // wakes the thread immediately.
    Atomics.wait(
      this.words,
      exiting ? CODE : STATE,
      Atomics.load(this.words, exiting ? CODE : STATE),
      interval,
    );
    return this.isGone();
  }

  private isGone(): boolean {
    const task = Atomics.load(this.words, TASK);
    const tasks = task === 0 ? this.candidates : [task];
    return !tasks.some((each) => platform.hasTask(each));
  }
}
