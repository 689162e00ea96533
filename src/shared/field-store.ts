/**
 * Field store: values for the fields of a record, all of them checked before the first is stored.
 */

import { inspect } from 'node:util';
import { storeElement, storeFloat } from '#atomics';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';
import type { FloatElement, IntegerElement } from '../memory/atomics.ts';
import { storedValues } from './elements.ts';
import type { NumberTypeFacts } from './number-type.ts';
import { toStored } from './number-type.ts';
import type { RecordMemory, RecordSpot } from './record-memory.ts';
import type { Field, Layout } from './schema.ts';
import { bytesOfText } from './text-bytes.ts';

/** Stores the checked value in the record at `at`. */
type Store = (memory: RecordMemory, at: number) => void;

/** Stores the value in the field, or throws and changes nothing. */
export function writeField({ memory, at, title }: RecordSpot, field: Field, value: unknown): void {
  storeOf(`${title}.${field.name}`, field, value)(memory, at);
}

/** Stores the given fields, or, if one does not fit, none. */
export function assignFields({ memory, at, title }: RecordSpot, layout: Layout, values: unknown): void {
  storeOfAll(title, layout, values)(memory, at);
}

/** Checks values for some of the record's fields. */
export function storeOfAll(title: string, layout: Layout, given: unknown): Store {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidTypeError(
      `${title}: refused, ${inspect(given)} is not a record; pass an object with some of its fields`,
    );
  }
  const values = (isRecord(given) ? given.toObject() : given) as Record<string, unknown>;
  const known = new Set(layout.fields.map(({ name }) => name));
  for (const name of Object.keys(values)) {
    if (known.has(name)) continue;
    throw new InvalidTypeError(
      `${title}: refused, it has no field ${JSON.stringify(name)}; its fields are ${[...known].join(', ')}`,
    );
  }
  const stores = layout.fields
    .filter(({ name }) => Object.hasOwn(values, name) && values[name] !== undefined)
    .map((field) => storeOf(`${title}.${field.name}`, field, values[field.name]));
  return (memory, at) => {
    for (const store of stores) store(memory, at);
  };
}

function storeOf(title: string, field: Field, value: unknown): Store {
  const { offset } = field;
  switch (field.kind) {
    case 'number': {
      const { facts } = field;
      const stored = toStored(title, facts, value);
      return (memory, at) => writeNumber(memory, facts, at + offset, stored);
    }
    case 'text': {
      const bytes = bytesOfText(title, value);
      const { count } = field;
      if (bytes.length > count) throw tooLong(title, `the text has ${bytes.length} bytes`, count);
      return (memory, at) => {
        const room = memory.bytes(at + offset, count);
        room.set(bytes);
        room.fill(0, bytes.length);
      };
    }
    case 'numbers': {
      const stored = storedValues(title, field.facts, valuesIn(title, value));
      const { facts, count } = field;
      if (stored.length > count) throw tooLong(title, `there are ${stored.length} values`, count);
      return (memory, at) => {
        const room = new facts.view(memory.buffer, at + offset, count);
        (room as Int32Array).set(stored as Int32Array);
      };
    }
    case 'record': {
      const store = storeOfAll(title, field.layout, value);
      return (memory, at) => store(memory, at + offset);
    }
    default: {
      const { layout, count } = field;
      const stores = storesOf(title, layout, valuesIn(title, value));
      if (stores.length > count) throw tooLong(title, `there are ${stores.length} records`, count);
      return (memory, at) => {
        for (const [index, store] of stores.entries()) store(memory, at + offset + index * layout.size);
      };
    }
  }
}

/** Checks values for records that follow each other. */
export function storesOf(title: string, layout: Layout, values: Iterable<unknown>): Store[] {
  return Array.from(values, (each, index) => storeOfAll(`${title}[${index}]`, layout, each));
}

/** Throws `InvalidTypeError` unless the values can be gone through one by one. */
export function valuesIn(title: string, value: unknown): Iterable<unknown> {
  if (typeof value === 'object' && value !== null && Symbol.iterator in value)
    return value as Iterable<unknown>;
  throw new InvalidTypeError(`${title}: refused, ${inspect(value)} is not a row of values; pass an array`);
}

function tooLong(title: string, what: string, count: number): OutOfRangeError {
  return new OutOfRangeError(`${title}: refused, ${what} and the field has room for ${count}; shorten it`);
}

function writeNumber(
  memory: RecordMemory,
  facts: NumberTypeFacts,
  begin: number,
  stored: number | bigint,
): void {
  const numbers = memory.numbers(facts);
  const index = begin / facts.view.BYTES_PER_ELEMENT;
  if (facts.family === 'float') storeFloat(numbers as FloatElement, stored as number, index);
  else storeElement(numbers as IntegerElement, stored, index);
}

/** Records and views of them; no field can be called `toObject`. */
export function isRecord(value: unknown): value is { toObject(): unknown } {
  return (
    typeof value === 'object' && value !== null && 'toObject' in value && typeof value.toObject === 'function'
  );
}
