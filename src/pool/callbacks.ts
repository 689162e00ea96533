/** Callbacks: the program's own functions, as the pool calls them in the middle of its work. */

import { setImmediate } from '#clock';

/** Calls it. Its error is an uncaught one of the program's, and the pool's work goes on. */
export function callBack(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
