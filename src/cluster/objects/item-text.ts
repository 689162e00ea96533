/**
 * Item text: a queue's values as text, and back. Values that survive JSON unchanged are written as
 * JSON, so that they can be read at the server. All other values are written by structured clone,
 * in base64.
 */

import { types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { NotSendableError } from '../../errors.ts';

const JSON_MARK = 'j';
const CLONE_MARK = 'c';
/**
 * Deeper values are left to structured clone, which finds circles; so are those of more objects.
 */
const DEEPEST = 32;
const MOST_OBJECTS = 1000;

/** Throws `NotSendableError`, with `title` at its beginning, where structured clone refuses. */
export function textOf(value: unknown, title: string): string {
  if (isPlain(value, DEEPEST, [])) return JSON_MARK + JSON.stringify(value);
  try {
    return CLONE_MARK + serialize(value).toString('base64');
  } catch (error) {
    throw new NotSendableError(
      `${title}: value can't be sent, ${(error as Error).message.replace(/\.$/, '')}; send what structured clone carries`,
      { cause: error },
    );
  }
}

export function readText(text: string): unknown {
  const rest = text.slice(1);
  return text.startsWith(JSON_MARK) ? JSON.parse(rest) : deserialize(Buffer.from(rest, 'base64'));
}

/** Whether the value survives JSON unchanged. `seen`: the objects found so far. */
function isPlain(value: unknown, depth: number, seen: object[]): boolean {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth === 0 || seen.length >= MOST_OBJECTS) return false;
  // Structured clone refuses a proxy, and keeps an object one that is there twice.
  if (types.isProxy(value) || seen.includes(value)) return false;
  seen.push(value);
  if (Array.isArray(value)) {
    // Holes and further properties need structured clone.
    const dense = Object.keys(value).length === value.length;
    return dense && value.every((each) => isPlain(each, depth - 1, seen));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.entries(value).every(([key, each]) => key !== 'toJSON' && isPlain(each, depth - 1, seen));
}
