/**
 * Drops objects with data to the garbage collector; `node --expose-gc collects.js`. Prints one line
 * of JSON.
 */

import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { RawArray, SharedArray, SharedMemory, struct } from 'lockstep';

const gc = (globalThis as { gc?: () => void }).gc ?? (() => {});
const Point = struct({ x: 'f64', tags: 'u8[4]' });

/** Mappings of data in this process. */
function mappings(): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/data-')).length;
}

/** Collects until so many mappings are left, or gives up. */
async function collect(left: number): Promise<number> {
  for (let round = 0; round < 200 && mappings() > left; round++) {
    gc();
    await turn();
  }
  return mappings();
}

async function collectAlways(): Promise<void> {
  for (let round = 0; round < 20; round++) {
    gc();
    await turn();
  }
}

function viewOnly(): { view: Int32Array<ArrayBuffer>; handle: string } {
  const array = new SharedArray('i32', [1, 2, 3]);
  return { view: array.view, handle: array.handle };
}

function partsOnly(): { tags: Iterable<number>; record: { x: number }; bytes: Uint8Array } {
  const array = Point.array(3);
  return {
    tags: new Point({ tags: [1, 2, 3, 4] }).tags,
    record: array.at(1),
    bytes: new Uint8Array(new SharedMemory({ create: true, size: 4 }).buffer),
  };
}

function drop(count: number): void {
  for (let n = 0; n < count; n++) new RawArray('u8', 100_000).fill(1);
}

let kept: ReturnType<typeof viewOnly> | undefined = viewOnly();
await collectAlways();
const opened = SharedArray.open(kept.handle);
opened.set(0, 7);
const twice = mappings();
const seen = [...kept.view];
opened.close();
await collectAlways();
kept.view[1] = 8;
const afterClose = [...SharedArray.open(kept.handle)];
kept = undefined;
const none = await collect(0);

let parts: ReturnType<typeof partsOnly> | undefined = partsOnly();
await collectAlways();
parts.record.x = 5;
parts.bytes[0] = 6;
const partsSeen = [[...parts.tags], parts.record.x, parts.bytes[0]];
const three = mappings();
parts = undefined;
const noneAgain = await collect(0);

const closed = new RawArray('u8', 5);
const { view } = closed;
closed.close();
await collectAlways();
view[0] = 1;
const whenClosed = [...view];

drop(500);
const many = await collect(0);
console.log(
  JSON.stringify({
    twice,
    seen,
    afterClose,
    none,
    partsSeen,
    three,
    noneAgain,
    whenClosed,
    many,
    left: view[0],
  }),
);
