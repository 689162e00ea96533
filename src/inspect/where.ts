/** Where a namespace is. */

import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { InvalidTypeError, NameError } from '../errors.ts';
import { base, NAMESPACE_FORM, prefix } from '../namespaces/paths.ts';

/** Folder of the named namespace, whether there is one or not. Throws `NameError`. */
export function namespaceFolder(namespace: string): string {
  if (typeof namespace !== 'string')
    throw new InvalidTypeError(
      `namespace: refused, ${inspect(namespace)} is not a string; pass e.g. "orders"`,
    );
  if (!NAMESPACE_FORM.test(namespace)) {
    throw new NameError(
      `namespace ${JSON.stringify(namespace.slice(0, 60))}: refused, a namespace has 1 to 100 letters, digits, "-", "_" or "." (not first)`,
    );
  }
  return resolve(base(), `${prefix()}.${namespace}`);
}
