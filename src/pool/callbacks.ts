/** Callbacks: the program's own functions, as the pool calls them in the middle of its work. */

import { setImmediate } from '#clock';

/** Calls it. Its error becomes an uncaught error of the program, and the pool continues. */
export function callBack(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
