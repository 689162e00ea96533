/**
 * Standard output of threads. Node carries a thread's output through the main thread's event loop: lines printed under a lock
 * would come out in another order, and none while the main thread is blocked. Here a thread writes for itself.
 */

import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, waiting where a full pipe takes no more. Errors other than that are thrown. */
export function writeFully(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

/** Writes all of it to the terminal or wherever standard error goes; nobody there is no reason to fail. */
export function writeError(text: string): void {
  try {
    writeFully(2, text);
  } catch {
    // Closed, or its reader is gone: there is nobody left to tell.
  }
}

/** Makes this thread write to the process's standard output and error directly. Call before user code runs. */
export function takeOverOutput(): void {
  direct(process.stdout, 1);
  direct(process.stderr, 2);
}

/** The stream stays the object that Node made, as Node goes on talking to it; only where its writes go changes. */
function direct(stream: Writable, fd: number): void {
  const write: Writable['_write'] = (chunk: Uint8Array, _encoding, done) => {
    try {
      writeFully(fd, chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  const { getColorDepth, hasColors } = WriteStream.prototype;
  const terminal = isatty(fd) ? { isTTY: true, getColorDepth, hasColors } : {};
  Object.assign(stream, { _write: write, _writev: null, fd, ...terminal });
}
