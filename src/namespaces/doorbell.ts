/**
 * Doorbell: a FIFO that makes an event loop check an object. The ring is 4 bytes, the
 * cell's number; a write of that size is atomic, also when many ring at once. libuv watches the
 * FIFO by epoll, so waiting takes no thread.
 *
 * A ring is a hint and carries no right: a lost one costs time, never correctness. When the FIFO is
 * full, or can't be opened, the ringer leaves MISSED_RING in the agent's slot, which means "look at
 * everything". In the latter case it shouts, too (life.ts).
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import type { Socket, SocketConstructorOpts } from 'node:net';
import { clearBits, load, setBits } from '#atomics';
import { AGENT_MISSED_RING, AGENT_STATE, agentWord } from '../memory/layout.ts';
import type { NamespaceFiles } from './files.ts';
import { maySpare } from './life.ts';
import { bellFile, rouseFile } from './paths.ts';

/** Rung instead of a cell's number: poll everything. */
export const EVERYTHING = 0;
const RING_BYTES = 4;
const RINGS_AT_ONCE = 1024;

/** The bells of other agents, as one agent rings them. */
export interface Bells {
  /**
   * Rings the bell of the agent in `slot`. Never blocks; an agent without a bell awaits nothing,
   * and is left alone. Returns `false` if it could not be rung: then MISSED_RING is set.
   */
  ring(slot: number, cell: number): boolean;
  /** The same with the FIFO on which the thread of the agent in `slot` sleeps (berth.ts). */
  rouse(slot: number): boolean;
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

/** A FIFO of another agent, open for writing. */
interface Line {
  readonly fd: number;
  /** State of the agent that it belongs to. */
  readonly state: number;
  /** Whether it stays open. */
  readonly kept: boolean;
}

type Lines = Map<number, Line>;

export class Ringer implements Bells {
  private readonly namespace: NamespaceFiles;
  private readonly bells: Lines = new Map();
  private readonly berths: Lines = new Map();
  private readonly message = Buffer.alloc(RING_BYTES);
  private readonly nudge = Buffer.alloc(1);

  constructor(namespace: NamespaceFiles) {
    this.namespace = namespace;
  }

  ring(slot: number, cell: number): boolean {
    this.message.writeInt32LE(cell);
    return this.send(this.bells, slot, bellFile(slot), this.message);
  }

  rouse(slot: number): boolean {
    return this.send(this.berths, slot, rouseFile(slot), this.nudge);
  }

  close(): void {
    for (const lines of [this.bells, this.berths]) {
      for (const slot of [...lines.keys()]) forget(lines, slot);
    }
  }

  private send(lines: Lines, slot: number, file: string, message: Buffer): boolean {
    try {
      const line = this.line(lines, slot, file);
      if (line === undefined) return true;
      writeSync(line.fd, message);
      if (!line.kept) forget(lines, slot);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') {
        forget(lines, slot);
        return true;
      }
      // Not thrown: the change that it reports has been made. If the FIFO is full, its content is
      // read first, and then the mark.
      setBits(this.namespace.words, agentWord(slot) + AGENT_MISSED_RING, 1);
      return code === 'EAGAIN';
    }
  }

  private line(lines: Lines, slot: number, file: string): Line | undefined {
    const state = load(this.namespace.words, agentWord(slot) + AGENT_STATE);
    const known = lines.get(slot);
    // The slot may have a new agent: its FIFO is another file.
    if (known?.state === state) return known;
    forget(lines, slot);
    const fd = this.open(file);
    if (fd === undefined) return undefined;
    const line = { fd, state, kept: maySpare(fd) };
    lines.set(slot, line);
    return line;
  }

  /**
   * Opens the FIFO; `undefined` where nobody reads it. Where this process has no descriptor left,
   * another line is given up for it.
   */
  private open(file: string): number | undefined {
    for (;;) {
      try {
        return this.namespace.directory.openFifoToWrite(file);
      } catch (error) {
        // The directory's own error has the system's as its cause.
        const { code } = (error as Error).cause as NodeJS.ErrnoException;
        if (code !== 'EMFILE' || !(giveUpOne(this.bells) || giveUpOne(this.berths))) throw error;
      }
    }
  }
}

function forget(lines: Lines, slot: number): void {
  const known = lines.get(slot);
  lines.delete(slot);
  if (known !== undefined) closeSync(known.fd);
}

function giveUpOne(lines: Lines): boolean {
  const [first] = lines.keys();
  if (first !== undefined) forget(lines, first);
  return first !== undefined;
}

export class Doorbell implements Bell {
  private readonly namespace: NamespaceFiles;
  private readonly slot: number;
  private readonly fd: number;
  private readonly socket: Socket;
  private readonly answer: (cell: number) => void;
  /**
   * The outcome of reading: rings are written and read whole, as the buffer holds a whole number
   * of them.
   */
  private readonly rings = new Int32Array(RINGS_AT_ONCE);

  /**
   * Hangs the bell; `answer` is called for each ring, while the event loop runs. The bell alone
   * does not keep it running.
   */
  constructor(namespace: NamespaceFiles, slot: number, answer: (cell: number) => void) {
    this.namespace = namespace;
    this.slot = slot;
    this.answer = answer;
    // Open for reading and writing, so that the FIFO never reports an end when the last ringer
    // leaves.
    this.fd = namespace.directory.openFifo(bellFile(slot));
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
    // Rings are then lost; waiters still notice deaths, and poll when anything else happens.
    this.socket.on('error', (error) => process.emitWarning(error));
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
        // Read all rings that lie in the FIFO.
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
    if (takeMissed(this.namespace, this.slot)) cells.add(EVERYTHING);
    for (const cell of cells) this.answer(cell);
  }
}

/** Whether the agent in `slot` could not be rung for something; it can look now. */
export function takeMissed({ words }: NamespaceFiles, slot: number): boolean {
  const missed = agentWord(slot) + AGENT_MISSED_RING;
  if (load(words, missed) === 0) return false;
  clearBits(words, missed, 1);
  return true;
}
