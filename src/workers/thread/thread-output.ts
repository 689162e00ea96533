/**
 * Standard output of threads. Node carries a thread's output through the main thread's event loop:
 * lines printed under a lock would come out in another order, and none while the main thread is
 * blocked. Here a thread writes for itself.
 */

import { fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { writeFully } from '../write-fully.ts';

/**
 * Makes this thread write to the process's standard output and error directly. Call before user
 * code runs.
 */
export function takeOverOutput(): void {
  direct(process.stdout, 1);
  direct(process.stderr, 2);
}

/**
 * The stream stays the object that Node made, as Node goes on talking to it; only where its writes
 * go changes.
 */
function direct(stream: Writable, fd: number): void {
  const write: Writable['_write'] = (chunk: Uint8Array, _encoding, done) => {
    try {
      writeFully(fd, chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  const terminal = isTerminal(fd) ? terminalMethods() : {};
  Object.assign(stream, { _write: write, _writev: null, fd, ...terminal });
}

function isTerminal(fd: number): boolean {
  // `node:tty` takes long to load: it is asked of devices only.
  return isDevice(fd) && process.getBuiltinModule('node:tty').isatty(fd);
}

function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    // The program has closed its output.
    return false;
  }
}

function terminalMethods(): object {
  const { getColorDepth, hasColors } = process.getBuiltinModule('node:tty').WriteStream.prototype;
  return { isTTY: true, getColorDepth, hasColors };
}
