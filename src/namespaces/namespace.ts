/** Namespace: one thread's view of a namespace's folder: its control segment, its cells, its agents' slots. */

import { closeSync } from 'node:fs';
import { load } from '#atomics';
import type { Owner } from '../contracts.ts';
import type { Place } from '../memory/arena.ts';
import { Arena } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import { damaged } from '../memory/damage.ts';
import {
  AGENT_LIVE_BIT,
  AGENT_NAME,
  AGENT_NAME_BYTES,
  AGENT_NAME_LENGTH,
  AGENT_PID,
  AGENT_SLOTS,
  AGENT_STATE,
  AGENT_THREAD,
  agentWord,
  CELL_GENERATION,
  HIGH_SLOT_WORD,
  segmentBytes,
} from '../memory/layout.ts';
import type { Segment } from '../memory/segment.ts';
import { createSegmentFile, mapSegment } from '../memory/segment.ts';
import { platform } from '../platform/current.ts';
import type { Directory } from '../platform/directory.ts';
import type { Mapping } from '../platform/platform.ts';
import type { DataOptions } from './data-files.ts';
import { dataFile, makeDataFile, mapDataFile, removeData, reserveDataFile } from './data-files.ts';
import type { Bell, Bells } from './doorbell.ts';
import { Doorbell, Ringer } from './doorbell.ts';
import { enterFolder, leaveFolder } from './folder.ts';
import { KeptRings } from './kept-rings.ts';

export class Namespace {
  /** Path of the folder. */
  readonly folder: string;
  /** The folder itself. */
  readonly directory: Directory;
  readonly control: Segment;
  readonly words: Words;
  readonly arena: Arena;
  readonly rings: KeptRings;
  private readonly fd: number;

  /** `fd`: the descriptor that keeps the folder from being removed. */
  constructor(directory: Directory, control: Segment, fd: number) {
    this.folder = directory.path;
    this.directory = directory;
    this.control = control;
    this.words = control.words;
    this.fd = fd;
    this.rings = new KeptRings(this);
    this.arena = new Arena(
      control,
      (index, make) => this.cells(index, make),
      (cell, generation) => removeData(this.directory, cell, generation),
      this.rings,
      `segment "${directory.path}/control"`,
    );
  }

  /** Enters the folder; makes it first where `create` is set. */
  static enter(folder: string, create: boolean): Namespace {
    const { directory, control, fd } = enterFolder(folder, create);
    return new Namespace(directory, control, fd);
  }

  /** Highest slot that was ever used. Where the word is damaged, any may have been. */
  get highSlot(): number {
    const high = load(this.words, HIGH_SLOT_WORD);
    return high >= 0 && high < AGENT_SLOTS ? high : AGENT_SLOTS - 1;
  }

  isLive(slot: number): boolean {
    return (load(this.words, agentWord(slot) + AGENT_STATE) & AGENT_LIVE_BIT) !== 0;
  }

  /** Who sits in the slot. */
  identity(slot: number): Owner {
    const at = agentWord(slot);
    const length = Math.max(0, Math.min(load(this.words, at + AGENT_NAME_LENGTH), AGENT_NAME_BYTES));
    const bytes = Buffer.from(this.control.buffer, (at + AGENT_NAME) * 4, length);
    return {
      pid: load(this.words, at + AGENT_PID),
      threadId: load(this.words, at + AGENT_THREAD),
      name: bytes.toString('utf8'),
    };
  }

  /**
   * Opens the liveness file of a slot and takes its kernel lock; `undefined` when the agent lives.
   * Whoever has the lock owns the slot: to sit in it, or to clear up after who sat there.
   */
  tryLockSlot(slot: number): number | undefined {
    const fd = this.directory.openOrMake(`agent-${slot}`);
    if (platform.tryLockFile(fd, 'exclusive')) return fd;
    closeSync(fd);
    return undefined;
  }

  /** Gives a slot's kernel lock back. */
  unlockSlot(lock: number): void {
    closeSync(lock);
  }

  /** Hangs the bell of the agent in `slot`; `answer` is called for each ring, while the event loop runs. */
  hangBell(slot: number, answer: (cell: number) => void): Bell {
    return new Doorbell(this, slot, answer);
  }

  /** The bells of the namespace's agents, to be rung. */
  bells(): Bells {
    return new Ringer(this);
  }

  /** Makes the data of an object that is just being made. Throws `NoSpaceError`. */
  makeData({ number, words, at }: Place, bytes: number, options?: DataOptions): void {
    makeDataFile(this.directory, dataFile(number, load(words, at + CELL_GENERATION)), bytes, options);
  }

  /** Backs the first `bytes` of the data by memory. Throws `NoSpaceError`. */
  reserveData({ number, generation }: { number: number; generation: number }, bytes: number): void {
    reserveDataFile(this.directory, dataFile(number, generation), bytes);
  }

  /** Maps all data of an object that this agent has open, which have to be `least` bytes at least. */
  mapAllData({ number, generation }: { number: number; generation: number }, least: number): Mapping {
    return mapDataFile(this.directory, dataFile(number, generation), least);
  }

  /** Maps the data of an object that this agent has open. */
  mapData({ number, generation }: { number: number; generation: number }, bytes: number): Mapping {
    return mapDataFile(this.directory, dataFile(number, generation), bytes, bytes);
  }

  /** Leaves, and removes the folder when nobody is left in it. */
  leave(): void {
    leaveFolder(this.directory, this.fd);
  }

  private cells(index: number, make: boolean): Segment {
    const name = `cells-${index}`;
    const path = this.directory.nameOf(name);
    const bytes = segmentBytes(index);
    if (make) createSegmentFile(this.directory, name, bytes);
    const fd = this.directory.open(name);
    if (fd === undefined) {
      throw damaged(`segment "${path}"`, 'it is not there, though the namespace says that it is');
    }
    try {
      return mapSegment(fd, path, bytes);
    } finally {
      closeSync(fd);
    }
  }
}
