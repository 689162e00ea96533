/**
 * ReadClone: reads what `v8.serialize` wrote. `v8.deserialize` gives typed arrays that are views of
 * its input, or of the memory that all Buffers share. Code that takes their `buffer` finds
 * unrelated bytes around them. Here each view has memory of its own, which holds nothing else. A
 * Buffer becomes a Uint8Array, as in structured clone.
 */

import type { DefaultDeserializer } from 'node:v8';
import { v8 } from './v8.ts';

interface HostObjectReader {
  _readHostObject(): NodeJS.ArrayBufferView;
}

let CloneDeserializer: (new (bytes: Uint8Array) => DefaultDeserializer) | undefined;

/** Made when it is first needed, as its base class is. */
function cloneDeserializer(): new (bytes: Uint8Array) => DefaultDeserializer {
  const Base = v8().DefaultDeserializer;
  const { _readHostObject: readView } = Base.prototype as unknown as HostObjectReader;
  return class extends Base implements HostObjectReader {
    _readHostObject(): NodeJS.ArrayBufferView {
      const view = readView.call(this);
      const { buffer, byteOffset, byteLength } = view;
      const own = buffer.slice(byteOffset, byteOffset + byteLength);
      if (Buffer.isBuffer(view)) return new Uint8Array(own);
      return new (view.constructor as new (bytes: ArrayBufferLike) => NodeJS.ArrayBufferView)(own);
    }
  };
}

/** Whether reading or writing a clone failed for lack of stack: both recurse. */
export function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

/** The value in the bytes. Throws the errors of `v8.deserialize` for broken ones. */
export function readClone(bytes: Uint8Array): unknown {
  CloneDeserializer ??= cloneDeserializer();
  const deserializer = new CloneDeserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}
