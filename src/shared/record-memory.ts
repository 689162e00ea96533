/** Record memory: the mapped bytes of records, and where in them one lies. */

import type { FloatElement, IntegerElement } from '../memory/atomics.ts';
import type { NumberTypeFacts } from './number-type.ts';

/** The mapped bytes in which records lie, seen as numbers of every type. */
export class RecordMemory {
  readonly buffer: ArrayBuffer;
  private readonly views: (IntegerElement | FloatElement)[] = [];

  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
  }

  numbers({ code, view: View }: NumberTypeFacts): IntegerElement | FloatElement {
    let view = this.views[code];
    if (view === undefined) {
      view = new View(this.buffer, 0, Math.floor(this.buffer.byteLength / View.BYTES_PER_ELEMENT));
      this.views[code] = view;
    }
    return view;
  }

  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, at, length);
  }
}

/** Where a record lies, and how messages about it begin. */
export interface RecordSpot {
  readonly memory: RecordMemory;
  readonly at: number;
  readonly title: string;
}
