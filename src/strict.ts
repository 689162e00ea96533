/**
 * Strict: refuses properties that would get lost. In JavaScript `array[0] = 5` makes a property of
 * the object at hand, and the shared data stay as they were; `array[0]` is `undefined`.
 *
 * A Proxy stands at the end of the prototype chain, where only names come that nothing before has.
 * So it costs nothing where a known name is used, in sloppy mode it throws as in strict mode, and
 * fields that a class defines do not meet it. It allows symbols, and reads of anything but an
 * index: inspecting or awaiting an object reads names that few objects have.
 */

import { inspect } from 'node:util';
import { InvalidTypeError } from './errors.ts';
import { nearest } from './options.ts';

const INDEX = /^-?\d+$/;

/** The facts about the instances of a family of classes. */
export interface Family {
  /** Whether it is an instance, and no prototype. */
  isOne(object: object): boolean;
  /**
   * Whether its class is Lockstep's own: instances of a class that the program has derived may have
   * properties.
   */
  isOurs(object: object): boolean;
  /** How messages about the instance begin. */
  titleOf(object: object): string;
  /**
   * Whether the program may keep properties of its own in instances: then only a name that is
   * almost one that can be assigned is refused.
   */
  readonly holdsOthers?: boolean;
}

/** Setters that only refuse. */
const refusals = new WeakSet<object>();

/** Ends the prototype chain of the family with the Proxy. */
export function endStrictly(prototype: object, family: Family): void {
  const end = new Proxy(Object.create(Object.getPrototypeOf(prototype) as object) as object, {
    set(target, key, value, object): boolean {
      if (typeof key === 'string' && !(key in target)) refuseAssignment(object, key, value, family);
      return Reflect.set(target, key, value, object);
    },
    get(target, key, object): unknown {
      if (typeof key === 'string' && INDEX.test(key)) refuseReading(object, key, family);
      return Reflect.get(target, key, object);
    },
  });
  Object.setPrototypeOf(prototype, end);
}

/**
 * Gives the accessors that can only be read a setter that says so: in sloppy mode an assignment
 * would be ignored.
 */
export function refuseReadOnly(prototype: object, { isOne, titleOf }: Family): void {
  for (const [name, accessor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (accessor.get === undefined || accessor.set !== undefined) continue;
    const set = function (this: object): void {
      const title = isOne(this) ? `${titleOf(this)}: ` : '';
      throw new InvalidTypeError(
        `${title}refused, \`${name}\` can't be assigned, it only tells; leave it alone`,
      );
    };
    refusals.add(set);
    Object.defineProperty(prototype, name, { ...accessor, set });
  }
}

function refuseAssignment(object: object, name: string, value: unknown, family: Family): void {
  const isIndex = INDEX.test(name) && family.holdsOthers !== true;
  if (!family.isOne(object) || !(isIndex || family.isOurs(object))) return;
  const title = family.titleOf(object);
  if (isIndex) {
    const advice = hasElements(object) ? `write set(${name}, ${short(value)})` : 'it has no elements';
    throw new InvalidTypeError(`${title}: refused, [${name}] can't be assigned; ${advice}`);
  }
  const { fields, others } = assignable(object);
  const near = nearest(name, [...fields, ...others]);
  if (near === undefined && family.holdsOthers === true) return;
  const what = fields.length > 0 ? 'field' : 'property';
  const listed = fields.length > 0 ? fields : others;
  const advice =
    near !== undefined
      ? `did you mean \`${near}\`?`
      : listed.length > 0
        ? `it has ${listed.map((each) => `\`${each}\``).join(', ')}`
        : 'keep what belongs to it in a variable, or in a class that extends it';
  throw new InvalidTypeError(`${title}: refused, there is no ${what} \`${name}\` to assign; ${advice}`);
}

function refuseReading(object: object, index: string, family: Family): void {
  if (!family.isOne(object) || !hasElements(object)) return;
  throw new InvalidTypeError(
    `${family.titleOf(object)}: refused, [${index}] would read undefined; write at(${index})`,
  );
}

function hasElements(object: object): boolean {
  return typeof (object as { at?: unknown }).at === 'function';
}

/** Names that can be assigned: fields of a record, which can be enumerated, and others. */
function assignable(object: object): { fields: string[]; others: string[] } {
  const fields: string[] = [];
  const others: string[] = [];
  let prototype = Object.getPrototypeOf(object) as object | null;
  for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
    for (const [name, { set, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (set === undefined || refusals.has(set) || name === '__proto__') continue;
      if (enumerable === true) fields.push(name);
      else others.push(name);
    }
  }
  return { fields, others };
}

function short(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  return text.length > 60 ? '…' : text;
}
