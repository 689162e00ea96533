/**
 * Record types: the TypeScript types of the fields of a struct, of its records and of rows of them.
 */

import type { Elements } from './elements.ts';
import type { InputOf, NumberOf, NumberType } from './number-type.ts';

/** Classes with a schema: a class made by `struct`. */
export interface StructLike<Fields extends Schema = Schema> {
  readonly schema: Fields;
}

/** A number, numbers `u8[4]`, text `char[16]`, another struct, or several of one: `[Point, 3]`. */
export type FieldType =
  | NumberType
  | `${NumberType}[${number}]`
  | `char[${number}]`
  | StructLike
  | readonly [StructLike, number];

/** The fields of a struct by name, in the order in which they lie in memory. */
export interface Schema {
  readonly [field: string]: FieldType;
}

type Scalar = NumberType | `char[${number}]`;
type ScalarFields<Fields extends Schema> = {
  [Name in keyof Fields]: Fields[Name] extends Scalar ? Name : never;
}[keyof Fields];

/** The type of a field that is read. */
export type FieldOf<Type> = Type extends NumberType
  ? NumberOf<Type>
  : Type extends `char[${number}]`
    ? string
    : Type extends `${infer Element extends NumberType}[${number}]`
      ? Elements<Element>
      : Type extends StructLike<infer Fields>
        ? RecordView<Fields>
        : Type extends readonly [StructLike<infer Fields>, number]
          ? Records<Fields>
          : never;

/** Values that may be assigned to a field. */
export type FieldInputOf<Type> = Type extends NumberType
  ? InputOf<Type>
  : Type extends `char[${number}]`
    ? string | Uint8Array
    : Type extends `${infer Element extends NumberType}[${number}]`
      ? Iterable<InputOf<Element>>
      : Type extends StructLike<infer Fields>
        ? RecordInput<Fields>
        : Type extends readonly [StructLike<infer Fields>, number]
          ? Iterable<RecordInput<Fields>>
          : never;

/** The type of a field in a copy. */
export type PlainFieldOf<Type> = Type extends NumberType
  ? NumberOf<Type>
  : Type extends `char[${number}]`
    ? string
    : Type extends `${infer Element extends NumberType}[${number}]`
      ? NumberOf<Element>[]
      : Type extends StructLike<infer Fields>
        ? PlainRecord<Fields>
        : Type extends readonly [StructLike<infer Fields>, number]
          ? PlainRecord<Fields>[]
          : never;

/**
 * The fields of a record: numbers and text to be assigned, the others to be changed in themselves
 * or by `assign`.
 */
export type RecordFields<Fields extends Schema> = {
  -readonly [Name in ScalarFields<Fields>]: FieldOf<Fields[Name]>;
} & {
  readonly [Name in Exclude<keyof Fields, ScalarFields<Fields>>]: FieldOf<Fields[Name]>;
};

/** Values for some fields of a record. */
export type RecordInput<Fields extends Schema> = {
  readonly [Name in keyof Fields]?: FieldInputOf<Fields[Name]> | undefined;
};

/** A copy of a record as a plain object. */
export type PlainRecord<Fields extends Schema> = {
  -readonly [Name in keyof Fields]: PlainFieldOf<Fields[Name]>;
};

/** A record within another object: an element of an array of records, or a field. */
export type RecordView<Fields extends Schema> = RecordFields<Fields> & {
  /** Stores the given fields. If one value does not fit, nothing is stored. */
  assign(values: RecordInput<Fields>): void;
  /** A copy as plain values, which does not change with the original. */
  toObject(): PlainRecord<Fields>;
};

/** A row of records: of an array of them, or of a field `[Struct, n]`. */
export interface Records<Fields extends Schema> {
  [Symbol.iterator](): IterableIterator<RecordView<Fields>>;
  /** The number of records. It never changes. */
  readonly length: number;
  /**
   * The record itself, not a copy; negative indexes count from the end. Throws `OutOfRangeError` if
   * there is none.
   */
  at(index: number): RecordView<Fields>;
  /** Stores the given fields in a record. If one value does not fit, nothing is stored. */
  set(index: number, values: RecordInput<Fields>): void;
  /** A copy as plain values, which does not change with the original. */
  toArray(): PlainRecord<Fields>[];
}
