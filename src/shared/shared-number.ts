/**
 * SharedNumber: the common part of Value and RawValue: one number in a cell.
 *
 * Each read and each write of `value` is atomic; a read followed by a write is not, unless inside a
 * lock. The integer operations are single atomic instructions and need no lock.
 */

import {
  changeElement,
  compareExchangeElement,
  load,
  loadElement,
  loadFloat,
  store,
  storeElement,
  storeFloat,
} from '#atomics';
import type { Kind } from '../agents/kinds.ts';
import { InvalidTypeError } from '../errors.ts';
import type { ElementOperation, FloatElement, IntegerElement } from '../memory/atomics.ts';
import { damaged } from '../memory/damage.ts';
import { CELL_BODY } from '../memory/layout.ts';
import type { Content } from '../objects/content.ts';
import type { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import type {
  InputOf,
  IntegerType,
  NumberOf,
  NumberType,
  NumberTypeFacts,
  SmallIntegerType,
} from './number-type.ts';
import { fits, fromStored, numberType, numberTypeCoded, toStored } from './number-type.ts';

const TYPE_WORD: number = CELL_BODY;
const DATA_WORD: number = CELL_BODY + 4;

/** The state of a shared number, as `describe()` returns it. */
export interface NumberDescription extends Description {
  type: string;
  value: number | bigint | boolean;
}

export abstract class SharedNumber<Type extends NumberType = SmallIntegerType> extends SharedObject {
  /** Only for the compiler: numbers of different types are of different classes to it. */
  declare protected readonly parameter: Type;
  private readonly kind: string;
  private readonly facts: NumberTypeFacts;
  private readonly element: IntegerElement | FloatElement;
  /**
   * The element of an integer of up to 32 bits, by far the most frequent: its accesses need no
   * conversion.
   */
  private readonly small: IntegerElement | undefined;

  constructor(objectType: Kind, opened: Opened) {
    super(objectType, opened);
    this.kind = objectType.name;
    const { words, at } = this.cell;
    const code = load(words, at + TYPE_WORD);
    const facts = numberTypeCoded(code);
    if (facts === undefined)
      throw damaged(this.title, `its cell names the type ${code}, which does not exist`);
    this.facts = facts;
    this.element = new this.facts.view(words.buffer, (at + DATA_WORD) * 4, 1);
    this.small = this.facts.family === 'integer' ? (this.element as IntegerElement) : undefined;
  }

  /** The name of the type, such as `i32`; never Python's code. */
  get type(): string {
    return this.facts.name;
  }

  /**
   * The number. Each read and each write is one atomic step; `value.value += 1` is two. Setting
   * throws `OutOfRangeError` for a number out of the type's range, and changes nothing.
   */
  get value(): NumberOf<Type> {
    const { small } = this;
    return (small === undefined || this.closed ? this.read() : loadElement(small)) as NumberOf<Type>;
  }

  set value(value: InputOf<Type>) {
    const { small } = this;
    if (small === undefined || this.closed || !fits(this.facts, value)) this.write(value);
    else storeElement(small, value as number);
  }

  /**
   * Adds in one atomic step, wrapping around at the type's width; returns the old value. This and
   * the other atomic operations exist for integer types only.
   */
  add(this: SharedNumber<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'add', operand) as NumberOf<Type>;
  }

  /** Subtracts in one atomic step, wrapping around at the type's width; returns the old value. */
  sub(this: SharedNumber<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'sub', operand) as NumberOf<Type>;
  }

  /** Bitwise and, in one atomic step; returns the old value. */
  and(this: SharedNumber<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'and', operand) as NumberOf<Type>;
  }

  /** Bitwise or, in one atomic step; returns the old value. */
  or(this: SharedNumber<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'or', operand) as NumberOf<Type>;
  }

  /** Bitwise exclusive or, in one atomic step; returns the old value. */
  xor(this: SharedNumber<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'xor', operand) as NumberOf<Type>;
  }

  /** Stores the value in one atomic step; returns the old value. */
  exchange(this: SharedNumber<IntegerType>, value: number | bigint): NumberOf<Type> {
    return change(this, 'exchange', value) as NumberOf<Type>;
  }

  /** Stores `desired` if the value is `expected`, in one atomic step; returns the old value. */
  compareExchange(
    this: SharedNumber<IntegerType>,
    expected: number | bigint,
    desired: number | bigint,
  ): NumberOf<Type> {
    return compareExchange(this, expected, desired) as NumberOf<Type>;
  }

  override describe(): NumberDescription {
    return SharedObject.describe(this, () => {
      const { kind, name, handle, type } = this;
      const value = this.value as number | bigint | boolean;
      return { kind, name: name ?? null, handle, type, value };
    });
  }

  /** @internal The element, where the operand needs no conversion. */
  direct(operand: number | bigint): IntegerElement | undefined {
    return this.closed || !fits(this.facts, operand) ? undefined : this.small;
  }

  /** @internal The element and its type, for the integer operations. */
  integer(operation: string): { title: string; facts: NumberTypeFacts; element: IntegerElement } {
    this.checkOpen();
    const { title, facts, element } = this;
    if (facts.family === 'integer' || facts.family === 'bigint')
      return { title, facts, element: element as IntegerElement };
    throw new InvalidTypeError(
      `${title}: refused ${operation}, its type is ${facts.name} and only integers have atomic operations; use a lock and .value`,
    );
  }

  protected override summary(): string {
    return `${this.type} ${this.value}`;
  }

  private read(): number | bigint | boolean {
    this.checkOpen();
    const { facts, element } = this;
    const stored =
      facts.family === 'float' ? loadFloat(element as FloatElement) : loadElement(element as IntegerElement);
    return fromStored(facts, stored);
  }

  private write(value: unknown): void {
    this.checkOpen();
    const { facts, element } = this;
    const stored = toStored(this.title, facts, value);
    if (facts.family === 'float') storeFloat(element as FloatElement, stored as number);
    else storeElement(element as IntegerElement, stored);
  }
}

/**
 * Checks the arguments of a constructor; gives what fills the cell, and what looks whether one that
 * was found is of the type.
 */
export function numberIn(kind: string, type: unknown, initial: unknown): Content {
  const facts = numberType(kind, type);
  const stored = initial === undefined ? undefined : toStored(kind, facts, initial);
  return {
    make({ words, at }): void {
      store(words, at + TYPE_WORD, facts.code);
      if (stored === undefined) return;
      const element = new facts.view(words.buffer, (at + DATA_WORD) * 4, 1);
      if (facts.family === 'float') storeFloat(element as FloatElement, stored as number);
      else storeElement(element as IntegerElement, stored);
    },
    check({ cell, name }): void {
      const code = load(cell.words, cell.at + TYPE_WORD);
      if (code === facts.code) return;
      throw new InvalidTypeError(
        `${kind} ${JSON.stringify(name)}: refused, the one of that name is of type ${numberTypeCoded(code)?.name}, not ${facts.name}; open it with its type`,
      );
    },
  };
}

function change(
  value: SharedNumber<IntegerType>,
  operation: ElementOperation,
  operand: number | bigint,
): number | bigint {
  const small = value.direct(operand);
  if (small !== undefined) return changeElement(small, operation, operand);
  const { title, facts, element } = value.integer(operation);
  return changeElement(element, operation, toStored(title, facts, operand));
}

function compareExchange(
  value: SharedNumber<IntegerType>,
  expected: number | bigint,
  desired: number | bigint,
): number | bigint {
  const { title, facts, element } = value.integer('compareExchange');
  return compareExchangeElement(element, toStored(title, facts, expected), toStored(title, facts, desired));
}
