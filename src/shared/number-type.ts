/** The types of shared numbers: their names, Python's codes for them, their ranges and views. */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';
import type { FloatElement, IntegerElement } from '../memory/atomics.ts';

export type SmallIntegerType =
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'b'
  | 'B'
  | 'h'
  | 'H'
  | 'i'
  | 'I';
export type BigIntegerType = 'i64' | 'u64' | 'l' | 'L' | 'q' | 'Q';
export type FloatType = 'f32' | 'f64' | 'f' | 'd';
export type IntegerType = SmallIntegerType | BigIntegerType;
/** Every type of a shared number, in Lockstep's names and in Python's codes. */
export type NumberType = IntegerType | FloatType | 'bool';

/** The JavaScript type of a value. */
export type NumberOf<Type extends NumberType> = Type extends BigIntegerType
  ? bigint
  : Type extends 'bool'
    ? boolean
    : number;
/** Values that may be stored: for 64-bit integers also a number, if it is a safe integer. */
export type InputOf<Type extends NumberType> = Type extends BigIntegerType ? bigint | number : NumberOf<Type>;

/**
 * Every type of an array's elements: numbers, and the bytes of text, which have Python's code too.
 */
export type ElementType = NumberType | 'char' | 'c';

type NumberViews = {
  [Type in NumberType]: Type extends 'i8' | 'b'
    ? Int8Array<ArrayBuffer>
    : Type extends 'i16' | 'h'
      ? Int16Array<ArrayBuffer>
      : Type extends 'u16' | 'H'
        ? Uint16Array<ArrayBuffer>
        : Type extends 'i32' | 'i'
          ? Int32Array<ArrayBuffer>
          : Type extends 'u32' | 'I'
            ? Uint32Array<ArrayBuffer>
            : Type extends 'i64' | 'l' | 'q'
              ? BigInt64Array<ArrayBuffer>
              : Type extends 'u64' | 'L' | 'Q'
                ? BigUint64Array<ArrayBuffer>
                : Type extends 'f32' | 'f'
                  ? Float32Array<ArrayBuffer>
                  : Type extends 'f64' | 'd'
                    ? Float64Array<ArrayBuffer>
                    : Uint8Array<ArrayBuffer>;
};
/** The typed array on elements of the type. */
export type ViewOf<Type extends ElementType> = Type extends NumberType
  ? NumberViews[Type]
  : Uint8Array<ArrayBuffer>;
/** The JavaScript type of an element; for text, that of a byte. */
export type ElementOf<Type extends ElementType> = Type extends NumberType ? NumberOf<Type> : number;
/** Values that may be stored as an element. */
export type ElementInputOf<Type extends ElementType> = Type extends NumberType ? InputOf<Type> : number;

type AnyElements = IntegerElement | FloatElement;
type View = {
  new (buffer: ArrayBuffer, byteOffset: number, length: number): AnyElements;
  readonly BYTES_PER_ELEMENT: number;
};

interface NumberTypeFacts {
  readonly name: string;
  readonly code: number;
  readonly view: View;
  readonly family: 'integer' | 'bigint' | 'float' | 'bool';
  readonly least: number | bigint;
  readonly most: number | bigint;
}

const FLOAT_MOST = 3.4028234663852886e38;

/** In the order of their codes in shared memory. */
const FACTS: readonly NumberTypeFacts[] = [
  { name: 'i8', code: 0, view: Int8Array, family: 'integer', least: -128, most: 127 },
  { name: 'u8', code: 1, view: Uint8Array, family: 'integer', least: 0, most: 255 },
  { name: 'i16', code: 2, view: Int16Array, family: 'integer', least: -32768, most: 32767 },
  { name: 'u16', code: 3, view: Uint16Array, family: 'integer', least: 0, most: 65535 },
  { name: 'i32', code: 4, view: Int32Array, family: 'integer', least: -2147483648, most: 2147483647 },
  { name: 'u32', code: 5, view: Uint32Array, family: 'integer', least: 0, most: 4294967295 },
  { name: 'i64', code: 6, view: BigInt64Array, family: 'bigint', least: -(2n ** 63n), most: 2n ** 63n - 1n },
  { name: 'u64', code: 7, view: BigUint64Array, family: 'bigint', least: 0n, most: 2n ** 64n - 1n },
  { name: 'f32', code: 8, view: Float32Array, family: 'float', least: -FLOAT_MOST, most: FLOAT_MOST },
  {
    name: 'f64',
    code: 9,
    view: Float64Array,
    family: 'float',
    least: -Number.MAX_VALUE,
    most: Number.MAX_VALUE,
  },
  { name: 'bool', code: 10, view: Uint8Array, family: 'bool', least: 0, most: 1 },
];

/** Bytes of text: of arrays only. */
const CHAR: NumberTypeFacts = {
  name: 'char',
  code: 11,
  view: Uint8Array,
  family: 'integer',
  least: 0,
  most: 255,
};

/** Python's codes (`array` and `struct` modules), with the sizes they have on 64-bit Linux. */
const PYTHON_CODES: Record<string, string> = {
  b: 'i8',
  B: 'u8',
  h: 'i16',
  H: 'u16',
  i: 'i32',
  I: 'u32',
  l: 'i64',
  L: 'u64',
  q: 'i64',
  Q: 'u64',
  f: 'f32',
  d: 'f64',
};

/** The facts of a type by its name or Python's code. Throws `InvalidTypeError` for any other. */
export function numberType(title: string, type: unknown, further = ''): NumberTypeFacts {
  const name = typeof type === 'string' ? (PYTHON_CODES[type] ?? type) : undefined;
  const facts = FACTS.find((each) => each.name === name);
  if (facts !== undefined) return facts;
  throw new InvalidTypeError(
    `${title}: refused, its type is ${inspect(type)}; ` +
      `use one of ${FACTS.map((each) => each.name).join(' ')}${further} or Python's ${Object.keys(PYTHON_CODES).join(' ')}`,
  );
}

/** The facts of a type by its code in shared memory. */
export function numberTypeCoded(code: number): NumberTypeFacts | undefined {
  return FACTS[code];
}

/** The same for an array's elements. */
export function elementType(title: string, type: unknown): NumberTypeFacts {
  return type === 'char' || type === 'c' ? CHAR : numberType(title, type, ' char');
}

export function elementTypeCoded(code: number): NumberTypeFacts | undefined {
  return code === CHAR.code ? CHAR : FACTS[code];
}

/** Whether the elements are bytes of text. */
export function isText(facts: NumberTypeFacts): boolean {
  return facts === CHAR;
}

export type { NumberTypeFacts };

/**
 * Whether the value is a whole number in the type's range: then it is stored as it is, if the type
 * is a small integer.
 */
export function fits({ least, most }: NumberTypeFacts, value: unknown): boolean {
  return typeof value === 'number' && value >= least && value <= most && Number.isInteger(value);
}

/**
 * The value as the view stores it. Throws `InvalidTypeError` or `OutOfRangeError` if it does not
 * fit the type.
 */
export function toStored(title: string, facts: NumberTypeFacts, value: unknown): number | bigint {
  switch (facts.family) {
    case 'bool':
      if (typeof value === 'boolean') return value ? 1 : 0;
      throw wrongType(title, facts, value, 'true or false');
    case 'float':
      if (typeof value !== 'number') throw wrongType(title, facts, value, 'a number');
      if (Number.isFinite(value) && (value < facts.least || value > facts.most))
        throw outOfRange(title, facts, value);
      return value;
    case 'integer':
      if (typeof value !== 'number') throw wrongType(title, facts, value, 'a whole number');
      if (!Number.isInteger(value) || value < facts.least || value > facts.most)
        throw outOfRange(title, facts, value);
      return value;
    default: {
      if (typeof value !== 'bigint' && typeof value !== 'number')
        throw wrongType(title, facts, value, 'a bigint');
      if (typeof value === 'number' && !Number.isSafeInteger(value)) throw outOfRange(title, facts, value);
      const big = BigInt(value);
      if (big < facts.least || big > facts.most) throw outOfRange(title, facts, big);
      return big;
    }
  }
}

/** The stored value as JavaScript sees it. */
export function fromStored(facts: NumberTypeFacts, stored: number | bigint): number | bigint | boolean {
  return facts.family === 'bool' ? stored !== 0 : stored;
}

function wrongType(title: string, facts: NumberTypeFacts, value: unknown, wanted: string): InvalidTypeError {
  return new InvalidTypeError(
    `${title}: refused, ${inspect(value)} is not of type ${facts.name}; pass ${wanted}`,
  );
}

function outOfRange(
  title: string,
  { name, family, least, most }: NumberTypeFacts,
  value: number | bigint,
): OutOfRangeError {
  const wanted = family === 'float' ? 'a number' : 'a whole number';
  return new OutOfRangeError(
    `${title}: refused, ${value} does not fit ${name}; pass ${wanted} from ${least} to ${most}`,
  );
}
