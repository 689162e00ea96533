/** Source end: how a run closes the source of its items, which may throw or take long. */

import { clearTimeout, setTimeout } from '#clock';
import type { Source } from './sources.ts';
import { warnOfSource } from './sources.ts';

const LONGEST_TIMER = 0x7fffffff;

export class SourceEnd {
  private readonly source: Pick<Source, 'stop'>;
  private closing: Promise<unknown> | undefined;
  private isAwaited = false;

  constructor(source: Pick<Source, 'stop'>) {
    this.source = source;
  }

  /** Begins to close the source. */
  begin(): void {
    try {
      this.closing = this.source.stop();
    } catch (error) {
      this.closing = Promise.reject(error as Error);
    }
    // Where nobody waits for the end of the source, its error is a warning.
    this.closing?.catch((error: unknown) => {
      if (!this.isAwaited) warnOfSource(error);
    });
  }

  /**
   * Waits until the source has closed; rejects with the error that it throws then. Waits at most
   * `grace` milliseconds, because the source may be waiting for an item that never comes.
   */
  async reached(grace: number): Promise<void> {
    const { closing } = this;
    if (closing === undefined) return;
    this.isAwaited = true;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      if (grace <= LONGEST_TIMER) timer = setTimeout(resolve, grace);
    });
    try {
      await Promise.race([closing, tooLong]);
    } finally {
      this.isAwaited = false;
      clearTimeout(timer);
    }
  }
}
