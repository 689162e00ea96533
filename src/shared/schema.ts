/**
 * Schema: the fields of a struct, and where they lie in a record.
 *
 * As in C: each field is aligned to the size of its numbers, a nested struct to its widest field,
 * and a record's size is a multiple of its alignment. The schema's text (JSON, with Lockstep's
 * names for the types) tells two structs apart: it travels in handles, and its hash is in the cell.
 */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';
import type { NumberTypeFacts } from './number-type.ts';
import { elementType, isText, numberType } from './number-type.ts';
import type { Schema } from './record-types.ts';

/** A field and where it lies. */
export type Field = {
  readonly name: string;
  /** Bytes from the record's beginning. */
  readonly offset: number;
} & (
  | { readonly kind: 'number'; readonly facts: NumberTypeFacts }
  | { readonly kind: 'numbers' | 'text'; readonly facts: NumberTypeFacts; readonly count: number }
  | { readonly kind: 'record'; readonly layout: Layout }
  | { readonly kind: 'records'; readonly layout: Layout; readonly count: number }
);

export interface Layout {
  readonly fields: readonly Field[];
  /** Bytes of a record. */
  readonly size: number;
  readonly alignment: number;
  /** The schema, in one way of writing. */
  readonly text: string;
}

const ROW = /^(.+)\[(\d+)\]$/;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
/** Most bytes of a record. */
const MOST_BYTES = 2 ** 31;

/**
 * Where the fields of the schema lie. `reserved` tells the names that a field can't have. Throws
 * `InvalidTypeError`, `OutOfRangeError`.
 */
export function layoutOf(schema: unknown, reserved: (name: string) => boolean, path = 'struct'): Layout {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new InvalidTypeError(
      `${path}: refused, its schema is ${inspect(schema)}; pass an object such as { x: 'f64' }`,
    );
  }
  const fields: Field[] = [];
  const texts: string[] = [];
  let end = 0;
  let alignment = 1;
  for (const [name, type] of Object.entries(schema)) {
    checkFieldName(path, name, reserved);
    const { unit, bytes, text, place } = shapeOf(`${path}.${name}`, type, reserved);
    const offset = Math.ceil(end / unit) * unit;
    fields.push(place(name, offset));
    texts.push(`${JSON.stringify(name)}:${text}`);
    end = offset + bytes;
    alignment = Math.max(alignment, unit);
    if (end > MOST_BYTES) {
      throw new OutOfRangeError(
        `${path}: refused, its fields have more than ${MOST_BYTES} bytes; make several structs`,
      );
    }
  }
  if (fields.length === 0)
    throw new InvalidTypeError(`${path}: refused, it has no fields; give it one at least`);
  const size = Math.ceil(end / alignment) * alignment;
  return { fields, size, alignment, text: `{${texts.join(',')}}` };
}

/** The demands of a field's type. */
interface Shape {
  /** Alignment. */
  readonly unit: number;
  readonly bytes: number;
  readonly text: string;
  place(name: string, offset: number): Field;
}

function shapeOf(path: string, type: unknown, reserved: (name: string) => boolean): Shape {
  if (typeof type === 'string') return rowOf(path, type) ?? numberShape(path, type);
  if (Array.isArray(type) && type.length === 2) {
    const layout = nestedLayout(path, type[0], reserved);
    const count = checkedCount(path, type[1]);
    return {
      unit: layout.alignment,
      bytes: layout.size * count,
      text: `[${layout.text},${count}]`,
      place: (name, offset) => ({ name, offset, kind: 'records', layout, count }),
    };
  }
  const layout = nestedLayout(path, type, reserved);
  return {
    unit: layout.alignment,
    bytes: layout.size,
    text: layout.text,
    place: (name, offset) => ({ name, offset, kind: 'record', layout }),
  };
}

function numberShape(path: string, type: string): Shape {
  const facts = numberType(path, type, ', with a count as in u8[4] or char[16],');
  const unit = facts.view.BYTES_PER_ELEMENT;
  return {
    unit,
    bytes: unit,
    text: JSON.stringify(facts.name),
    place: (name, offset) => ({ name, offset, kind: 'number', facts }),
  };
}

function rowOf(path: string, type: string): Shape | undefined {
  const [, element, digits] = ROW.exec(type) ?? [];
  if (element === undefined) return undefined;
  const facts = elementType(path, element);
  const count = checkedCount(path, Number(digits));
  const unit = facts.view.BYTES_PER_ELEMENT;
  const kind = isText(facts) ? 'text' : 'numbers';
  return {
    unit,
    bytes: unit * count,
    text: JSON.stringify(`${facts.name}[${count}]`),
    place: (name, offset) => ({ name, offset, kind, facts, count }),
  };
}

function nestedLayout(path: string, type: unknown, reserved: (name: string) => boolean): Layout {
  const hasSchema =
    (typeof type === 'object' || typeof type === 'function') && type !== null && 'schema' in type;
  if (hasSchema) return layoutOf(type.schema, reserved, path);
  throw new InvalidTypeError(
    `${path}: refused, its type is ${inspect(type)}; use e.g. 'f64', 'u8[4]', 'char[16]', a struct, or [a struct, 3]`,
  );
}

function checkedCount(path: string, count: unknown): number {
  if (typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= MOST_BYTES) return count;
  throw new OutOfRangeError(`${path}: refused, its count is ${inspect(count)}; use a whole number from 1 on`);
}

function checkFieldName(path: string, name: string, reserved: (name: string) => boolean): void {
  if (!IDENTIFIER.test(name)) {
    throw new InvalidTypeError(
      `${path}: refused, a field is called ${JSON.stringify(name)}; use names that can follow a dot`,
    );
  }
  if (reserved(name)) {
    throw new InvalidTypeError(
      `${path}: refused, a field is called ${JSON.stringify(name)}, which every record has already; use another name`,
    );
  }
}

/** The schema that `Layout.text` says. Throws `SyntaxError` or what `layoutOf` throws. */
export function schemaOfText(text: string): Schema {
  return fromJson(JSON.parse(text)) as Schema;
}

function fromJson(found: unknown): unknown {
  if (typeof found !== 'object' || found === null) return found;
  const entries = Object.entries(found).map(([name, type]: [string, unknown]) => {
    if (Array.isArray(type)) return [name, [{ schema: fromJson(type[0]) }, type[1]]];
    return [name, typeof type === 'object' && type !== null ? { schema: fromJson(type) } : type];
  });
  return Object.fromEntries(entries);
}

/** A number of 31 bits for a schema's text (FNV-1a). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash & 0x7fffffff;
}
