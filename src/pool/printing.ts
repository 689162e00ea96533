/**
 * Printing: a worker's process outlives the readers of its standard output and error.
 *
 * When the reader of a pipe has gone (`program | head`), each write to it fails with EPIPE. In a
 * worker that is an uncaught error that ends its process: every worker would die at its next line,
 * one after another, and take its tasks along. So workers drop what nobody reads. The program
 * itself still learns of it by its own writes.
 */

/** Drops what is printed after the reader has gone, from now on. */
export function outliveReaders(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const property = Object.getOwnPropertyDescriptor(process, name)!;
    // Node opens the stream at its first use, which a worker that prints nothing is spared.
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get() {
        Object.defineProperty(process, name, property);
        return process[name].on('error', dropIfUnread);
      },
    });
  }
}

function dropIfUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
