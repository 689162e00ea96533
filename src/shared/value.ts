/**
 * Value: one number in shared memory, with a lock beside it.
 *
 *   word   name             bits                      written by
 *   +0     TYPE             code of number-type.ts    the creator
 *   +2     LOCK             cell; 0 none              the creator
 *   +3     LOCK_GENERATION                            the creator
 *   +4 +5  DATA             8 bytes, aligned          anyone
 *
 * Each read and each write of `value` is atomic; a read followed by a write is not, unless inside the lock. The integer
 * operations are single atomic instructions and need no lock.
 */

import { inspect } from 'node:util';
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
import type { Agent } from '../agents/agent.ts';
import type { ObjectType } from '../agents/cell.ts';
import { registerKind } from '../agents/kinds.ts';
import type { Description } from '../agents/shared-object.ts';
import {
  Opened,
  obtain,
  obtainBeside,
  openHandle,
  registerClass,
  SharedObject,
} from '../agents/shared-object.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import type { ElementOperation, FloatElement, IntegerElement } from '../memory/atomics.ts';
import { CELL_BODY, KIND } from '../memory/layout.ts';
import type { Guard } from '../sync/guard.ts';
import { attachGuard, checkGuard, isGuard, makeGuard, openGuard } from '../sync/guard.ts';
import type {
  InputOf,
  IntegerType,
  NumberOf,
  NumberType,
  NumberTypeFacts,
  SmallIntegerType,
} from './number-type.ts';
import { fits, fromStored, numberType, numberTypeCoded, toStored } from './number-type.ts';

const TYPE: ObjectType = { kind: KIND.VALUE, name: 'Value', serial: false, lasting: false };
const TYPE_WORD: number = CELL_BODY;
const DATA_WORD: number = CELL_BODY + 4;

export interface ValueOptions extends ObjectOptions {
  /** The lock: an RLock of its own by default, a Lock or RLock of yours, or `false` for none. */
  lock?: boolean | Guard | undefined;
}

/** How a value stands. */
export interface ValueDescription extends Description {
  type: string;
  value: number | bigint | boolean;
  lock: Description | null;
}

/**
 * A number that processes and threads share.
 *
 * Types: `i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 bool`, and Python's codes `b B h H i I l L q Q f d`. Values of `i64` and `u64` are
 * bigints. A value out of the type's range throws `OutOfRangeError` (a `RangeError`) and changes nothing.
 *
 * @example
 * const counter = new Value('i32', 0);
 * counter.add(1);                                   // one atomic step
 * counter.runSync(() => { counter.value *= 2; });     // several steps, inside its lock
 */
export class Value<Type extends NumberType = SmallIntegerType> extends SharedObject {
  /** The type's name, never Python's code. */
  readonly type: string;
  private readonly facts: NumberTypeFacts;
  private readonly element: IntegerElement | FloatElement;
  /** The element of an integer of up to 32 bits, by far the most frequent: its accesses need no conversion. */
  private readonly small: IntegerElement | undefined;
  private readonly guard: Guard | undefined;

  /** `initial` is 0 by default. Throws `InvalidTypeError`, `OutOfRangeError`. */
  constructor(type: Type, initial?: InputOf<Type>, options?: ValueOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: Type | Opened, initial?: InputOf<Type>, options?: ValueOptions) {
    const made =
      source instanceof Opened ? { opened: source, lock: undefined } : obtainValue(source, initial, options);
    super(TYPE, made.opened);
    const { words, at } = this.cell;
    this.facts = numberTypeCoded(load(words, at + TYPE_WORD))!;
    this.type = this.facts.name;
    this.element = new this.facts.view(words.buffer, (at + DATA_WORD) * 4, 1);
    this.small = this.facts.family === 'integer' ? (this.element as IntegerElement) : undefined;
    this.guard = made.lock ?? openGuard(this.cell, this.title);
  }

  /** Opens the value that the handle stands for, with its lock. Throws `HandleError`, `StaleHandleError`. */
  static open<Type extends NumberType = SmallIntegerType>(handle: string): Value<Type> {
    return new Value(openHandle(TYPE, handle));
  }

  get value(): NumberOf<Type> {
    const { small } = this;
    return (small === undefined || this.closed ? this.read() : loadElement(small)) as NumberOf<Type>;
  }

  set value(value: InputOf<Type>) {
    const { small } = this;
    if (small === undefined || this.closed || !fits(this.facts, value)) this.write(value);
    else storeElement(small, value as number);
  }

  /** The lock. Throws `InvalidTypeError` for a value that was made with `lock: false`. */
  get lock(): Guard {
    if (this.guard !== undefined) return this.guard;
    throw new InvalidTypeError(
      `${this.title}: has no lock, it was made with { lock: false }; guard it with a lock of yours`,
    );
  }

  /** The same, by Python's name for it. */
  getLock(): Guard {
    return this.lock;
  }

  /** Runs `fn` inside the lock. */
  run<Result>(fn: () => Result | Promise<Result>): Promise<Result> {
    return this.lock.run(fn);
  }

  /** Runs `fn` inside the lock. *Blocks*; `fn` must not return a promise. */
  runSync<Result>(fn: () => Result): Result {
    return this.lock.runSync(fn);
  }

  /** Adds, wrapping around at the type's width; returns the value before. Integer types only, as all of the following. */
  add(this: Value<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'add', operand) as NumberOf<Type>;
  }

  /** Subtracts, wrapping around at the type's width; returns the value before. */
  sub(this: Value<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'sub', operand) as NumberOf<Type>;
  }

  /** Bitwise and; returns the value before. */
  and(this: Value<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'and', operand) as NumberOf<Type>;
  }

  /** Bitwise or; returns the value before. */
  or(this: Value<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'or', operand) as NumberOf<Type>;
  }

  /** Bitwise exclusive or; returns the value before. */
  xor(this: Value<IntegerType>, operand: number | bigint): NumberOf<Type> {
    return change(this, 'xor', operand) as NumberOf<Type>;
  }

  /** Stores; returns the value before. */
  exchange(this: Value<IntegerType>, value: number | bigint): NumberOf<Type> {
    return change(this, 'exchange', value) as NumberOf<Type>;
  }

  /** Stores `desired` if the value is `expected`; returns the value before. */
  compareExchange(
    this: Value<IntegerType>,
    expected: number | bigint,
    desired: number | bigint,
  ): NumberOf<Type> {
    return compareExchange(this, expected, desired) as NumberOf<Type>;
  }

  override describe(): ValueDescription {
    this.checkOpen();
    return {
      kind: TYPE.name,
      name: this.name ?? null,
      handle: this.handle,
      type: this.type,
      value: this.value as number | bigint | boolean,
      lock: this.guard?.describe() ?? null,
    };
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
      `${title}: refused ${operation}, its type is ${facts.name} and only integers have atomic operations; use run() and .value`,
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

function change(
  value: Value<IntegerType>,
  operation: ElementOperation,
  operand: number | bigint,
): number | bigint {
  const small = value.direct(operand);
  if (small !== undefined) return changeElement(small, operation, operand);
  const { title, facts, element } = value.integer(operation);
  return changeElement(element, operation, toStored(title, facts, operand));
}

function compareExchange(
  value: Value<IntegerType>,
  expected: number | bigint,
  desired: number | bigint,
): number | bigint {
  const { title, facts, element } = value.integer('compareExchange');
  return compareExchangeElement(element, toStored(title, facts, expected), toStored(title, facts, desired));
}

/** The value's cell, and the lock in its hands. */
function obtainValue(
  type: unknown,
  initial: unknown,
  options: ValueOptions | undefined,
): { opened: Opened; lock: Guard | undefined } {
  const facts = numberType(TYPE.name, type);
  const stored = initial === undefined ? undefined : toStored(TYPE.name, facts, initial);
  const given = options?.lock ?? true;
  if (typeof given !== 'boolean' && !isGuard(given)) {
    throw new InvalidTypeError(
      `Value: refused, its lock is ${inspect(given)}; pass a Lock, an RLock, or false for none`,
    );
  }
  let lock = typeof given === 'boolean' ? undefined : given;
  const init = (place: Place, agent: Agent): void => {
    const { words, at } = place;
    if (given === true) lock = makeGuard(agent);
    store(words, at + TYPE_WORD, facts.code);
    if (lock !== undefined) attachGuard(place, lock);
    if (stored === undefined) return;
    const element = new facts.view(words.buffer, (at + DATA_WORD) * 4, 1);
    if (facts.family === 'float') storeFloat(element as FloatElement, stored as number);
    else storeElement(element as IntegerElement, stored);
  };
  const opened = lock === undefined ? obtain(TYPE, options, init) : obtainBeside(lock, TYPE, options, init);
  const code = load(opened.cell.words, opened.cell.at + TYPE_WORD);
  if (code !== facts.code) {
    throw new InvalidTypeError(
      `Value ${JSON.stringify(options?.name)}: refused, the one of that name is of type ${numberTypeCoded(code)?.name}, not ${facts.name}; open it with its type`,
    );
  }
  if (isGuard(given)) checkGuard(opened.cell, given, `Value ${JSON.stringify(options?.name)}`);
  return { opened, lock };
}

registerKind(KIND.VALUE, { name: TYPE.name });
registerClass(TYPE.name, Value.open);
