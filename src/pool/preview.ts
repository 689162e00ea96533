/** Preview: the beginning of a task's arguments, for messages and statistics. */

import { inspect } from 'node:util';

/** Characters of arguments that are shown. */
const SHOWN = 200;
/** Values of them. */
const MOST_VALUES = 8;

export function previewOf(values: unknown): string {
  const list = Array.isArray(values) ? values : [values];
  const text = list.slice(0, MOST_VALUES).map(shown).join(', ');
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}

/** The program's own `inspect` functions may throw. */
function shown(value: unknown): string {
  try {
    return inspect(value, {
      depth: 1,
      maxArrayLength: 8,
      maxStringLength: 60,
      breakLength: Number.POSITIVE_INFINITY,
    });
  } catch {
    return `[${typeof value}]`;
  }
}
