/**
 * Alarms: the timers of a pool. They also go off while the pool's thread blocks in a call of the
 * pool, when no timer of the event loop can fire.
 */

import { clearTimeout, setTimeout } from '#clock';
import { now } from '#park';

/** The longest delay of a timer. */
const LONGEST = 0x7fffffff;

export interface Alarm {
  /** When it goes off: milliseconds of this thread's clock. */
  readonly due: number;
  readonly ring: () => void;
  readonly timer: NodeJS.Timeout;
}

export class Alarms {
  private readonly pending = new Set<Alarm>();

  /** Whether any is set. */
  get any(): boolean {
    return this.pending.size > 0;
  }

  /**
   * Calls `ring` once after that many milliseconds. An idle alarm does not keep the program
   * running. `undefined`: no timer can wait for so long.
   */
  set(milliseconds: number, ring: () => void, isIdle = false): Alarm | undefined {
    if (milliseconds > LONGEST) return undefined;
    const timer = setTimeout(() => this.goOff(alarm), milliseconds);
    if (isIdle) timer.unref();
    const alarm: Alarm = { due: now() + milliseconds, ring, timer };
    this.pending.add(alarm);
    return alarm;
  }

  clear(alarm: Alarm | undefined): void {
    if (alarm === undefined) return;
    clearTimeout(alarm.timer);
    this.pending.delete(alarm);
  }

  /** Rings the alarms that are due. Called by a thread that blocks. */
  ringDue(): void {
    if (this.pending.size === 0) return;
    const time = now();
    for (const alarm of [...this.pending]) if (alarm.due <= time) this.goOff(alarm);
  }

  private goOff(alarm: Alarm): void {
    if (!this.pending.has(alarm)) return;
    this.clear(alarm);
    alarm.ring();
  }
}
