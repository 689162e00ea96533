import assert from 'node:assert/strict';
import { isMainProcess, ThreadPool, transfer } from 'lockstep';

export function invert(pixels: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let at = 0; at < pixels.length; at++) pixels[at] = 255 - pixels[at]!;
  return transfer(pixels);
}

if (isMainProcess) {
  await using pool = new ThreadPool({ threads: 1 });
  const pixels = new Uint8Array([0, 100, 255]);
  const inverted = await pool.apply(invert, [pixels], { transfer: [pixels.buffer] });
  assert.deepEqual([...inverted], [255, 155, 0]);
  assert.equal(pixels.length, 0); // It has moved.
}
