/** Targets that return at once and leave something behind, which the child does before it ends. */

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflate } from 'node:zlib';

/** Each begins something that ends with a line in the file at `path`. */
export const LEAVINGS = {
  timer: (path: string): void => void setTimeout(() => appendFileSync(path, 'timer\n'), 30),
  immediates(path: string, left = 50): void {
    setImmediate(() => {
      if (left === 0) appendFileSync(path, 'immediates\n');
      else LEAVINGS.immediates(path, left - 1);
    });
  },
  file: (path: string): void => void appendFile(path, 'file\n'),
  pool: (path: string): void => deflate('x'.repeat(1e6), () => appendFileSync(path, 'pool\n')),
  process(path: string): void {
    spawn('sleep', ['0.05']).once('exit', () => appendFileSync(path, 'process\n'));
  },
  server(path: string): void {
    const server = createServer((_request, response) => response.end('server'));
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      get({ host: '127.0.0.1', port }, (response) => {
        response.once('data', (data) => appendFileSync(path, `${data}\n`));
        response.once('end', () => server.close());
      });
    });
  },
};

export function leaves(what: keyof typeof LEAVINGS, path: string): string {
  LEAVINGS[what](path);
  return 'returned';
}

/**
 * Leaves listeners that write down their arguments; one of them finds something more to do.
 */
export function listens(path: string): void {
  let again = true;
  process.on('beforeExit', (code) => {
    appendFileSync(path, `beforeExit ${code}\n`);
    if (!again) return;
    again = false;
    setTimeout(() => appendFileSync(path, 'more\n'), 20);
  });
  process.on('exit', (code) => {
    appendFileSync(path, `exit ${code}\n`);
    process.exitCode = 7;
  });
}

/** Writes down from where the exit listeners are called. */
export function tellsItsEnd(path: string): void {
  process.on('exit', () => appendFileSync(path, `${new Error('the end').stack}\n`));
}

/** Leaves a listener that finds something more to do only after an `await`. */
export function listensAndAwaits(path: string): void {
  process.once('beforeExit', async () => {
    await null;
    await sleep(5);
    appendFileSync(path, 'awaited\n');
  });
}

/** Replaces `process.emit`, as signal-exit does, to do something after all exit listeners. */
export function replacesEmit(path: string): void {
  const emit = process.emit as (this: NodeJS.Process, event: string, ...args: unknown[]) => boolean;
  const replaced = function (this: NodeJS.Process, event: string, ...args: unknown[]): boolean {
    const heard = emit.call(this, event, ...args);
    if (event === 'exit') appendFileSync(path, 'after the listeners\n');
    return heard;
  };
  process.emit = replaced as typeof process.emit;
}

/** Loads a module that nothing else loads. */
export async function loads(url: string): Promise<void> {
  await import(url);
}

export function setsExitCode(code: number | string): void {
  process.exitCode = code;
}

/** Sets the exit code after its end. */
export async function setsExitCodeLater(code: number): Promise<void> {
  void sleep(20).then(() => {
    process.exitCode = code;
  });
}

/** Prints more than a pipe holds. */
export function prints(length: number): void {
  process.stdout.write(`${'x'.repeat(length)}\n`);
  console.log('end');
}

export function covered(): string {
  return 'covered';
}
