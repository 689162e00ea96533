/**
 * Record views: records within other objects, alone or several in a row, with an accessor for each
 * of their fields.
 */

import { loadElement, loadFloat } from '#atomics';
import { forbidSending } from '../codec/sendable.ts';
import type { FloatElement, IntegerElement } from '../memory/atomics.ts';
import { forJson } from '../objects/shared-object.ts';
import { showAs } from '../readable.ts';
import { endStrictly, refuseReadOnly } from '../strict.ts';
import { Elements, indexIn } from './elements.ts';
import { assignFields, isRecord, writeField } from './field-store.ts';
import type { NumberTypeFacts } from './number-type.ts';
import { fromStored } from './number-type.ts';
import type { RecordMemory, RecordSpot } from './record-memory.ts';
import type { PlainRecord, RecordInput, Records, RecordView, Schema } from './record-types.ts';
import type { Field, Layout } from './schema.ts';
import { textUpToNul } from './text-bytes.ts';

class View {
  // Really private: the fields may have any name.
  readonly #layout: Layout;
  readonly #spot: RecordSpot;

  constructor(layout: Layout, spot: RecordSpot) {
    this.#layout = layout;
    this.#spot = spot;
  }

  assign(values: unknown): void {
    assignFields(this.#spot, this.#layout, values);
  }

  toObject(): Record<string, unknown> {
    return copyFields(this.#spot, this.#layout);
  }

  toJSON(): Record<string, unknown> {
    return forJson(this.toObject()) as Record<string, unknown>;
  }

  static isOne(object: object): boolean {
    return #spot in object;
  }

  static spotOf(view: View): RecordSpot {
    return view.#spot;
  }
}

endStrictly(View.prototype, {
  isOne: View.isOne,
  isOurs: () => true,
  titleOf: (view) => View.spotOf(view as View).title,
});

forbidSending(
  View.prototype,
  'a record that lies in another object (send that one and the index, or toObject() for a copy)',
);

showAs(View, (view) => view.toObject());

const classes = new WeakMap<Layout, typeof View>();

/** A view of the record of that layout. */
export function viewOf(layout: Layout, spot: RecordSpot): object {
  let known = classes.get(layout);
  if (known === undefined) {
    known = class extends View {};
    defineFields<View>(known.prototype, layout, View.spotOf);
    classes.set(layout, known);
  }
  return new known(layout, spot);
}

/**
 * Gives the prototype an accessor for each field. `spotOf` says where an object's record lies, or
 * throws.
 */
export function defineFields<Holder>(
  prototype: object,
  { fields }: Layout,
  spotOf: (object: Holder) => RecordSpot,
): void {
  for (const field of fields) {
    Object.defineProperty(prototype, field.name, {
      get(this: Holder): unknown {
        return readField(spotOf(this), field);
      },
      set(this: Holder, value: unknown): void {
        writeField(spotOf(this), field, value);
      },
      enumerable: true,
      configurable: true,
    });
  }
}

/** A row of records: of an array of them, or of a field `[Struct, n]`. */
export class RecordRow<Fields extends Schema> implements Records<Fields> {
  private readonly count: number;
  private readonly layout: Layout;
  private readonly spot: RecordSpot;

  /** @internal */
  constructor(layout: Layout, spot: RecordSpot, length: number) {
    this.layout = layout;
    this.spot = spot;
    this.count = length;
  }

  /** The number of records. It never changes. */
  get length(): number {
    return this.count;
  }

  /** @internal */
  static titleOf({ spot }: RecordRow<Schema>): string {
    return spot.title;
  }

  /**
   * The record itself, not a copy; negative indexes count from the end. Throws `OutOfRangeError` if
   * there is none.
   */
  at(index: number): RecordView<Fields> {
    return viewOf(this.layout, this.spotOf(index)) as RecordView<Fields>;
  }

  /** Stores the given fields in a record. If one value does not fit, nothing is stored. */
  set(index: number, values: RecordInput<Fields>): void {
    assignFields(this.spotOf(index), this.layout, values);
  }

  *[Symbol.iterator](): IterableIterator<RecordView<Fields>> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }

  /** A copy as plain values, which does not change with the original. */
  toArray(): PlainRecord<Fields>[] {
    return Array.from(this, (record) => record.toObject());
  }

  /** The form that `JSON.stringify` writes: the records, with bigints as decimal text. */
  toJSON(): unknown {
    return forJson(this.toArray());
  }

  private spotOf(index: number): RecordSpot {
    const { memory, at, title } = this.spot;
    const found = indexIn(title, this.length, index);
    return { memory, at: at + found * this.layout.size, title: `${title}[${index}]` };
  }
}

const family = {
  isOne: (object: object): boolean => object instanceof RecordRow,
  isOurs: (): boolean => true,
  titleOf: (object: object): string => RecordRow.titleOf(object as RecordRow<Schema>),
};
endStrictly(RecordRow.prototype, family);
refuseReadOnly(RecordRow.prototype, family);

forbidSending(
  RecordRow.prototype,
  'a row of records that lies in another object (send that one, or toArray() for a copy)',
);

showAs<RecordRow<Schema>>(RecordRow, (row) => row.toArray());

/** The value of the field. */
function readField({ memory, at, title }: RecordSpot, field: Field): unknown {
  const begin = at + field.offset;
  switch (field.kind) {
    case 'number':
      return readNumber(memory, field.facts, begin);
    case 'text':
      return textUpToNul(memory.bytes(begin, field.count));
    case 'numbers':
      return new Elements(`${title}.${field.name}`, field.facts, memory.buffer, begin, field.count);
    case 'record':
      return viewOf(field.layout, { memory, at: begin, title: `${title}.${field.name}` });
    default:
      return new RecordRow(field.layout, { memory, at: begin, title: `${title}.${field.name}` }, field.count);
  }
}

/** A copy of the record. */
export function copyFields(spot: RecordSpot, layout: Layout): Record<string, unknown> {
  return Object.fromEntries(layout.fields.map((field) => [field.name, copyOf(readField(spot, field))]));
}

function copyOf(value: unknown): unknown {
  if (value instanceof Elements || value instanceof RecordRow) return value.toArray();
  return isRecord(value) ? value.toObject() : value;
}

function readNumber(memory: RecordMemory, facts: NumberTypeFacts, begin: number): unknown {
  const numbers = memory.numbers(facts);
  const index = begin / facts.view.BYTES_PER_ELEMENT;
  return facts.family === 'float'
    ? loadFloat(numbers as FloatElement, index)
    : fromStored(facts, loadElement(numbers as IntegerElement, index));
}
