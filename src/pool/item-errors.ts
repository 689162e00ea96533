/** Item errors: the errors of a map's items that never reach a worker. */

import { inspect } from 'node:util';
import { packWhole } from '../codec/parcel.ts';
import { InvalidTypeError, NotSendableError } from '../errors.ts';

/** The error for an item of `starmap` that does not list arguments. */
export function noList(title: string, index: number, item: unknown): InvalidTypeError {
  return new InvalidTypeError(
    `${title}: starmap: refused, items[${index}] is ${inspect(item, { depth: 0 })}; pass arrays of arguments, or use map`,
  );
}

/** The error that names what can't be sent by its path from the program's items. */
export function unsendable(error: unknown, item: unknown, what: string, index: number): unknown {
  if (!(error instanceof NotSendableError)) return error;
  try {
    packWhole(item, 'process', what, `items[${index}]`);
  } catch (better) {
    return better;
  }
  return error;
}
