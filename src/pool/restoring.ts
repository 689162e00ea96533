/** Restoring: how a worker runs a function in the context of its call. */

import { StateError } from '../errors.ts';
import type { WorkFunction } from './function-list.ts';

/** The function, run by `restore` with the value that was captured at the call. */
export function within(restore: WorkFunction, value: unknown, fn: WorkFunction): WorkFunction {
  return (...args) => {
    let ran = false;
    let given: unknown;
    const result = restore(value, () => {
      ran = true;
      given = fn(...args);
      return given;
    });
    if (ran && (result !== undefined || given === undefined)) return result;
    const why = ran ? 'not returned what its second argument returned' : 'not called its second argument';
    throw new StateError(
      `context: "${restore.name}" has ${why}; write it as (value, run) => storage.run(value, run)`,
    );
  };
}
