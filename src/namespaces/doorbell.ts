/**
 * Doorbell: a FIFO by which an event loop is told to look at an object. The ring is 4 bytes, the cell's number; a write
 * of that size is atomic, also when many ring at once. libuv watches the FIFO by epoll, so waiting takes no thread.
 *
 * A ring is a hint and carries no right: a lost one costs time, never correctness. When the FIFO is full the ringer
 * leaves MISSED_RING in the agent's slot, which means "look at everything".
 */

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { Socket, SocketConstructorOpts } from 'node:net';
import { clearBits, load, setBits } from '#atomics';
import { AGENT_MISSED_RING, AGENT_STATE, agentWord } from '../memory/layout.ts';
import { platform } from '../platform/current.ts';
import type { Namespace } from './namespace.ts';

/** Rung instead of a cell's number: look at everything. */
export const EVERYTHING = 0;
const RING_BYTES = 4;
const RINGS_AT_ONCE = 1024;

/** The bells of other agents, as one agent rings them. */
export interface Bells {
  /** Rings the bell of the agent in `slot`. Never blocks; an agent without a bell awaits nothing, and is left alone. */
  ring(slot: number, cell: number): void;
  close(): void;
}

/** An agent's own bell. */
export interface Bell {
  /** Whether the bell keeps the event loop running. */
  keepAlive(on: boolean): void;
  /** Answers the rings that have come, without the event loop. */
  drain(): void;
  close(): void;
}

export class Ringer implements Bells {
  private readonly namespace: Namespace;
  private readonly bells = new Map<number, { fd: number; state: number }>();
  private readonly message = Buffer.alloc(RING_BYTES);

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  ring(slot: number, cell: number): void {
    const fd = this.bell(slot);
    if (fd === undefined) return;
    this.message.writeInt32LE(cell);
    try {
      writeSync(fd, this.message);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') setBits(this.namespace.words, agentWord(slot) + AGENT_MISSED_RING, 1);
      else if (code === 'EPIPE') this.forget(slot);
      else throw error;
    }
  }

  close(): void {
    for (const slot of [...this.bells.keys()]) this.forget(slot);
  }

  private bell(slot: number): number | undefined {
    const state = load(this.namespace.words, agentWord(slot) + AGENT_STATE);
    const known = this.bells.get(slot);
    if (known?.state === state) return known.fd;
    if (known !== undefined) this.forget(slot);
    try {
      const fd = openSync(bellPath(this.namespace, slot), constants.O_WRONLY | constants.O_NONBLOCK);
      this.bells.set(slot, { fd, state });
      return fd;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENXIO') return undefined;
      throw error;
    }
  }

  private forget(slot: number): void {
    const known = this.bells.get(slot);
    this.bells.delete(slot);
    if (known !== undefined) closeSync(known.fd);
  }
}

export class Doorbell implements Bell {
  private readonly namespace: Namespace;
  private readonly slot: number;
  private readonly fd: number;
  private readonly socket: Socket;
  private readonly answer: (cell: number) => void;
  /** What was read: rings are written and read whole, as the buffer holds a whole number of them. */
  private readonly rings = new Int32Array(RINGS_AT_ONCE);

  /** Hangs the bell; `answer` is called for each ring, while the event loop runs. The bell alone does not keep it running. */
  constructor(namespace: Namespace, slot: number, answer: (cell: number) => void) {
    this.namespace = namespace;
    this.slot = slot;
    this.answer = answer;
    const path = bellPath(namespace, slot);
    // Open for reading and writing, so that the FIFO never reports an end when the last ringer leaves.
    this.fd = platform.openFifo(path);
    const net = process.getBuiltinModule('node:net');
    const bytes = new Uint8Array(this.rings.buffer);
    const onread = {
      buffer: bytes,
      callback: (length: number): boolean => {
        this.hear(length / RING_BYTES);
        return true;
      },
    };
    // `onread` is documented for new net.Socket, but missing from the types of its options.
    const options: SocketConstructorOpts & { onread: typeof onread } = {
      fd: this.fd,
      readable: true,
      writable: false,
      onread,
    };
    this.socket = new net.Socket(options);
    this.socket.resume();
    this.socket.unref();
  }

  keepAlive(on: boolean): void {
    if (on) this.socket.ref();
    else this.socket.unref();
  }

  drain(): void {
    const bytes = new Uint8Array(this.rings.buffer);
    for (;;) {
      let length: number;
      try {
        length = readSync(this.fd, bytes, 0, bytes.length, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
        throw error;
      }
      this.hear(length / RING_BYTES);
    }
  }

  close(): void {
    this.socket.destroy();
  }

  private hear(count: number): void {
    const cells = new Set(this.rings.subarray(0, count));
    const missed = agentWord(this.slot) + AGENT_MISSED_RING;
    if (load(this.namespace.words, missed) !== 0) {
      clearBits(this.namespace.words, missed, 1);
      cells.add(EVERYTHING);
    }
    for (const cell of cells) this.answer(cell);
  }
}

function bellPath(namespace: Namespace, slot: number): string {
  return `${namespace.folder}/bell-${slot}`;
}
