/**
 * Losses: warns if parts of a value are lost on its way to another process or thread
 * (LOCKSTEP_CHECK=arguments).
 *
 * As in structured clone, an instance of a class arrives as a plain object, and a getter as the
 * value that it gave. Symbol keys, hidden properties and extra properties of arrays do not arrive
 * at all. That is mostly wanted, and sometimes a surprise. Each loss is reported once for each
 * class, place and calling line.
 */

import { types } from 'node:util';
import { SharedObject } from '../objects/shared-object.ts';
import { noteOrigin, originOf } from '../stacks.ts';

const MOST_VISITED = 10_000;
const reported = new Set<string>();

/**
 * Looks through the value and warns of its losses. `what` begins the message, `name` stands for the
 * value in it.
 */
export function warnOfLosses(value: unknown, what: string, name: string): void {
  const where = originOf(noteOrigin());
  for (const { path, loss } of lossesIn(value, name)) {
    const key = `${path}\n${loss}\n${where}`;
    if (reported.has(key)) continue;
    reported.add(key);
    process.emitWarning(
      `${what} ${path} ${loss}; send plain data, or make the object again where it arrives${where === '' ? '' : `\n${where}`}`,
      'LossWarning',
    );
  }
}

interface Loss {
  readonly path: string;
  readonly loss: string;
}

/** The parts of the value that do not arrive. */
function lossesIn(root: unknown, name: string): Loss[] {
  const losses: Loss[] = [];
  const seen = new Set<object>();
  const open: { value: unknown; path: string }[] = [{ value: root, path: name }];
  for (let next = open.pop(); next !== undefined && seen.size < MOST_VISITED; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    // These have their own treatment: they are sent whole, or refused.
    if (value instanceof SharedObject || types.isProxy(value) || types.isNativeError(value)) continue;
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) continue;
    if (types.isMap(value)) {
      for (const [key, inner] of value) open.push({ value: inner, path: `${path}.get(${String(key)})` });
    } else if (types.isSet(value)) {
      for (const inner of value) open.push({ value: inner, path: `${path}.values()` });
    } else if (isPlain(value) || Array.isArray(value)) {
      lossesOfKeys(value, path, losses, open);
      continue;
    } else if (!types.isDate(value) && !types.isRegExp(value) && !types.isBoxedPrimitive(value)) {
      losses.push({
        path,
        loss: `arrives as a plain object, without its class ${classOf(value)} and its methods`,
      });
      lossesOfKeys(value, path, losses, open);
      continue;
    }
    const extra = Object.keys(value);
    if (extra.length > 0) losses.push({ path, loss: `loses its further properties: ${extra.join(', ')}` });
  }
  return losses;
}

function lossesOfKeys(
  value: object,
  path: string,
  losses: Loss[],
  open: { value: unknown; path: string }[],
): void {
  const isArray = Array.isArray(value);
  for (const key of Reflect.ownKeys(value)) {
    if (isArray && key === 'length') continue;
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    const named = typeof key === 'symbol' ? `${path}[${String(key)}]` : `${path}.${key}`;
    if (typeof key === 'symbol') losses.push({ path: named, loss: 'does not arrive, its key is a symbol' });
    else if (property.enumerable !== true)
      losses.push({ path: named, loss: 'does not arrive, it is not enumerable' });
    else if (isArray && !/^\d+$/.test(key))
      losses.push({ path: named, loss: 'does not arrive, as only the elements of an array do' });
    else if (property.get !== undefined || property.set !== undefined)
      losses.push({ path: named, loss: 'arrives as a value, not as a getter or setter' });
    else open.push({ value: property.value as unknown, path: isArray ? `${path}[${key}]` : named });
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  // The `Object.prototype` of another realm, such as a test runner's, also has no prototype.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty');
}

function classOf(value: object): string {
  const made: unknown = Reflect.get(value, 'constructor');
  return typeof made === 'function' && made.name !== '' ? made.name : 'without a name';
}
