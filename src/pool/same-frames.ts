/**
 * Same frames: makes many errors for one call. Only the first captures and formats its stack, which
 * costs a hundred times as much as the rest. The others share its frames. Where many calls end
 * together, the first of them get the frames of their own calls.
 */

import type { Origin } from '../stacks.ts';
import { withOrigin } from '../stacks.ts';
import { ofCaller } from './callers.ts';
import type { PoolTask } from './pool-task.ts';

/** Number of errors that get the frames of their calls. */
const MOST_OWN = 1000;

export class SameFrames {
  private frames: string | undefined;
  private ownLeft = MOST_OWN;

  /** The error of a map or a stream that began there. */
  ofRun<Made extends Error>(make: () => Made, origin: Origin | undefined): Made {
    const error = this.make(make);
    return this.ownLeft-- > 0 ? withOrigin(error, origin) : error;
  }

  ofTask<Made extends Error>(make: () => Made, task: PoolTask): Made {
    const error = this.make(make);
    return this.ownLeft-- > 0 ? ofCaller(task, error, false) : error;
  }

  private make<Made extends Error>(make: () => Made): Made {
    if (this.frames === undefined) {
      const first = make();
      const stack = String(first.stack);
      this.frames = stack.slice(Math.max(0, stack.indexOf('\n    at ')));
      return first;
    }
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    try {
      const next = make();
      Object.defineProperty(next, 'stack', {
        value: `${String(next)}${this.frames}`,
        writable: true,
        enumerable: false,
        configurable: true,
      });
      return next;
    } finally {
      Error.stackTraceLimit = limit;
    }
  }
}
