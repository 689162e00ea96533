/**
 * Life: lets others notice the end of an agent immediately, without polling.
 *
 * Each agent keeps a FIFO of its own open for writing, `agent-<slot>`, and nobody else writes into
 * it. A waiter for the agent opens it for reading. When the agent ends, however it ends, the
 * kernel closes its descriptor, and reports to every reader that the last writer is gone (libuv as
 * end-of-file, poll(2) as POLLHUP). No timer is needed, and none of the agent's doing.
 *
 * That is a hint. The proof is the kernel's lock of the agent's slot (reaper.ts), which may be
 * freed a moment after the FIFO.
 *
 * The FIFO also carries the agent's voice. An agent that can't ring another, as it can have no
 * further descriptor, leaves MISSED_RING in that agent's slot and shouts: it writes a byte here.
 * The agent that watches its life notices that, and rings in its place.
 *
 * Race: W reads that D lives (W1), D ends (D1), W opens the FIFO (W2), which reports nothing, as it
 * had no writer since. So W looks at the lock of D once more (W3): it is free.
 * Race: D ends, and J takes its slot and its FIFO before W has noticed. So J opens the FIFO after
 * it has cleared up after D and woken all waiters. If J dies before that, W still notices D's
 * death.
 */

import { closeSync, constants, readSync, writeSync } from 'node:fs';
import { queueMicrotask } from '#clock';
import { platform } from '../platform/current.ts';
import type { NamespaceFiles } from './files.ts';

/** An agent's own life. */
export interface OwnLife {
  /** Tells the watchers that an agent could not be rung. */
  shout(): void;
  close(): void;
}

/** Something that is watched. */
export interface Watch {
  close(): void;
}

const VOICE: Uint8Array = new Uint8Array(1);
const HEARD: Uint8Array = new Uint8Array(1024);

export class Life implements OwnLife {
  private readonly fd: number;

  constructor({ directory }: NamespaceFiles, slot: number) {
    // For reading, too: so it opens at once though nobody reads.
    this.fd = directory.openOwnFifo(lifeFile(slot), constants.O_RDWR);
  }

  shout(): void {
    try {
      writeSync(this.fd, VOICE);
    } catch (error) {
      // It is full of shouts that no watcher has read yet.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

export function lifeFile(slot: number): string {
  return `agent-${slot}`;
}

/**
 * Whether a descriptor that was opened only to watch may be kept. Descriptors have the lowest
 * numbers that are free: half of those that the process may have are left to the program.
 */
export function maySpare(fd: number): boolean {
  return fd < platform.mostDescriptors() / 2;
}

/**
 * The state of a FIFO that was opened for reading: a writer (`silent`), something to read, which
 * is taken out, or nobody (`ended`). Of a writer that was gone before nothing is reported later.
 */
export function listen(fd: number): 'silent' | 'shouted' | 'ended' {
  try {
    return readSync(fd, HEARD, 0, HEARD.length, null) === 0 ? 'ended' : 'shouted';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'silent';
    throw error;
  }
}

/** Watches the life of the agent in `slot` by the event loop, which this does not keep running. */
export function watchLife(
  { directory }: NamespaceFiles,
  slot: number,
  sign: (ended: boolean) => void,
): Watch | undefined {
  const fd = directory.watchFifo(lifeFile(slot));
  if (fd === undefined) return undefined;
  if (!maySpare(fd)) {
    platform.closeFifo(fd);
    return undefined;
  }
  const heard = listen(fd);
  if (heard === 'ended') {
    platform.closeFifo(fd);
    return undefined;
  }
  const net = process.getBuiltinModule('node:net');
  const socket = new net.Socket({ fd, readable: true, writable: false });
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    sign(true);
  };
  socket.on('data', () => sign(false));
  socket.on('end', end);
  // Whatever is wrong with it, nothing more is heard from it.
  socket.on('error', end);
  socket.unref();
  if (heard === 'shouted') queueMicrotask(() => sign(false));
  return {
    close() {
      over = true;
      socket.destroy();
    },
  };
}
