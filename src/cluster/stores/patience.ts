/**
 * Patience: gives up on requests that have no answer after a while.
 *
 * One timer serves all requests. It is set again only when it fires, so a request with a prompt
 * answer costs two operations on a set. It keeps the program alive while an answer is pending.
 */

import { clearTimeout, now, setTimeout } from '#clock';

/** One request. */
export interface Asked {
  readonly at: number;
  giveUp(): void;
}

export class Patience {
  readonly milliseconds: number;
  /** In the order in which they were asked. */
  private readonly open = new Set<Asked>();
  private timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number) {
    this.milliseconds = milliseconds;
  }

  begin(giveUp: () => void): Asked {
    const asked = { at: now(), giveUp };
    this.open.add(asked);
    if (this.timer === undefined) this.set(this.milliseconds);
    else if (this.open.size === 1) this.timer.ref();
    return asked;
  }

  /** The request is over. Returns `false` if it was given up before. */
  end(asked: Asked): boolean {
    const waited = this.open.delete(asked);
    if (waited && this.open.size === 0) this.timer?.unref();
    return waited;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private set(milliseconds: number): void {
    this.timer = setTimeout(() => this.look(), milliseconds);
  }

  private look(): void {
    this.timer = undefined;
    const late = now() - this.milliseconds;
    for (const asked of [...this.open]) {
      if (asked.at > late) break;
      this.open.delete(asked);
      asked.giveUp();
    }
    const [oldest] = this.open;
    if (oldest !== undefined) this.set(Math.max(1, Math.ceil(oldest.at - late)));
  }
}
