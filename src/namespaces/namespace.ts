/**
 * Namespace: one thread's view of a namespace's folder: its control segment, its cells, its agents'
 * slots.
 */

import { closeSync, fstatSync, watch } from 'node:fs';
import { load } from '#atomics';
import { clearInterval, now, setInterval, wallTime } from '#clock';
import type { Owner } from '../contracts.ts';
import type { FolderError } from '../errors.ts';
import type { Rings } from '../memory/arena.ts';
import { Arena } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import { damaged } from '../memory/damage.ts';
import {
  AGENT_LEFT_BIT,
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
import type { Place } from '../memory/place.ts';
import type { Segment } from '../memory/segment.ts';
import { createSegmentFile, mapSegment } from '../memory/segment.ts';
import { platform } from '../platform/current.ts';
import type { Directory } from '../platform/directory.ts';
import type { Mapping } from '../platform/platform.ts';
import { isMainThread } from '../this-thread.ts';
import type { Berth } from './berth.ts';
import { FifoBerth } from './berth.ts';
import type { DataOptions } from './data-files.ts';
import { makeDataFile, mapDataFile, removeData, reserveDataFile } from './data-files.ts';
import type { Bell, Bells } from './doorbell.ts';
import { Doorbell, Ringer } from './doorbell.ts';
import { enterFolder, removedFolder } from './folder.ts';
import { leaveFolder } from './folder-removal.ts';
import type { OwnLife, Watch } from './life.ts';
import { Life, watchLife } from './life.ts';
import { CONTROL, dataFile } from './paths.ts';

/** Seconds after which files are touched again. */
const YOUNG_FOR = 1800;

export class Namespace {
  /** Path of the folder. */
  readonly folder: string;
  /** The folder itself. */
  readonly directory: Directory;
  readonly control: Segment;
  readonly words: Words;
  readonly arena: Arena;
  /** The items in the rings of its queues and pipes. */
  readonly rings: Rings;
  private readonly fd: number;
  private lookAtAge = 0;

  /**
   * `fd`: the descriptor that keeps the folder from being removed. `ringsOf` gives what knows the
   * namespace's rings.
   */
  constructor(directory: Directory, control: Segment, fd: number, ringsOf: (namespace: Namespace) => Rings) {
    this.folder = directory.path;
    this.directory = directory;
    this.control = control;
    this.words = control.words;
    this.fd = fd;
    this.rings = ringsOf(this);
    this.arena = new Arena(
      control,
      (index, make) => this.cells(index, make),
      (cell, generation) => {
        if (!this.isRemoved) removeData(this.directory, cell, generation);
      },
      this.rings,
      `segment "${directory.path}/control"`,
    );
  }

  /** Enters the folder; makes it first where `create` is set. */
  static enter(folder: string, create: boolean, ringsOf: (namespace: Namespace) => Rings): Namespace {
    const { directory, control, fd } = enterFolder(folder, create);
    return new Namespace(directory, control, fd, ringsOf);
  }

  /** Highest slot that was ever used. Where the word is damaged, any may have been. */
  get highSlot(): number {
    const high = load(this.words, HIGH_SLOT_WORD);
    return high >= 0 && high < AGENT_SLOTS ? high : AGENT_SLOTS - 1;
  }

  /** Whether the slot has a living agent, or a dead one that has not been cleared up yet. */
  isLive(slot: number): boolean {
    const state = load(this.words, agentWord(slot) + AGENT_STATE);
    return (state & (AGENT_LIVE_BIT | AGENT_LEFT_BIT)) === AGENT_LIVE_BIT;
  }

  /** The same, or one that is dead and left to an agent that knows more kinds of objects. */
  isTaken(slot: number): boolean {
    return (load(this.words, agentWord(slot) + AGENT_STATE) & AGENT_LIVE_BIT) !== 0;
  }

  /** The agent in the slot. */
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

  /** Whether the folder was removed while programs were inside. */
  get isRemoved(): boolean {
    return fstatSync(this.fd).nlink === 0;
  }

  /** The error for that. */
  removed(): FolderError {
    return removedFolder(this.folder);
  }

  /** Throws `FolderError` if the folder was removed. */
  checkThere(): void {
    if (this.isRemoved) throw this.removed();
  }

  /**
   * Does what needs files of the folder. Throws `FolderError` if a program has removed it: others
   * may have made a new folder there, whose files belong to another namespace.
   */
  whileThere<Result>(act: () => Result): Result {
    this.checkThere();
    try {
      return act();
    } catch (error) {
      throw this.isRemoved ? this.removed() : error;
    }
  }

  /** Calls `gone` when the folder is removed. `undefined`: that can't be watched here. */
  watchFolder(gone: () => void): Watch | undefined {
    // The kernel has few such watches for each user: one a process, none for its other threads.
    if (!isMainThread) return undefined;
    try {
      const look = (): void => {
        if (this.isRemoved) gone();
      };
      const watcher = watch(this.directory.pathTo(CONTROL), { persistent: false }, look);
      watcher.on('error', look);
      return { close: () => watcher.close() };
    } catch {
      // No watch is available, or no folder is there: the caller polls.
      return undefined;
    }
  }

  /**
   * Takes the kernel's lock of a slot; `false` when its agent lives. Its holder owns the slot: to
   * take it, or to clear up after the last agent there. The locks are those of single bytes of
   * `control`: no file has to be there, and no descriptor to be had, to look at others.
   */
  tryLockSlot(slot: number): boolean {
    return platform.tryLockByte(this.fd, slot);
  }

  /** Gives a slot's kernel lock back. */
  unlockSlot(slot: number): void {
    platform.unlockByte(this.fd, slot);
  }

  /** Begins the life of the agent in `slot`, for others to watch. Throws `PlatformError`. */
  beginLife(slot: number): OwnLife {
    const life = this.whileThere(() => new Life(this, slot));
    // A thread that does nothing at all has to keep its files, too. Now and then, and never a
    // reason to keep running.
    const timer = setInterval(() => this.keepYoung(), YOUNG_FOR * 1000);
    timer.unref();
    return {
      shout: () => life.shout(),
      close() {
        clearInterval(timer);
        life.close();
      },
    };
  }

  /**
   * Watches the life of the agent in `slot` by the event loop: `sign` is called when that shouts,
   * and when it has ended. `undefined`: it can't be watched.
   */
  watchLife(slot: number, sign: (ended: boolean) => void): Watch | undefined {
    return watchLife(this, slot, sign);
  }

  /** Where the agent in `slot` sleeps for long. */
  berth(slot: number): Berth {
    return new FifoBerth(this, slot);
  }

  /**
   * Makes the files look used, for programs that remove old files, if no agent has done so for a
   * while. Never throws.
   */
  keepYoung(): void {
    if (now() < this.lookAtAge) return;
    this.lookAtAge = now() + YOUNG_FOR * 1000;
    try {
      const { mtimeMs } = fstatSync(this.fd);
      if ((wallTime() - mtimeMs) / 1000 < YOUNG_FOR) return;
      for (const file of this.directory.list()) this.directory.touch(file);
    } catch {
      // A file, or all of them, went meanwhile, or no descriptor is to be had: files get old in
      // days, and this comes again.
    }
  }

  /**
   * Hangs the bell of the agent in `slot`; `answer` is called for each ring, while the event loop
   * runs.
   */
  hangBell(slot: number, answer: (cell: number) => void): Bell {
    return new Doorbell(this, slot, answer);
  }

  /** The bells of the namespace's agents, to be rung. */
  bells(): Bells {
    return new Ringer(this);
  }

  /** Makes the data of an object that is just being made. Throws `NoSpaceError`. */
  makeData({ number, words, at }: Place, bytes: number, options?: DataOptions): void {
    const name = dataFile(number, load(words, at + CELL_GENERATION));
    this.whileThere(() => makeDataFile(this.directory, name, bytes, options));
  }

  /** Backs the first `bytes` of the data by memory. Throws `NoSpaceError`. */
  reserveData({ number, generation }: { number: number; generation: number }, bytes: number): void {
    this.whileThere(() => reserveDataFile(this.directory, dataFile(number, generation), bytes));
  }

  /**
   * Maps all data of an object that this agent has open, which have to be `least` bytes at least.
   */
  mapAllData({ number, generation }: { number: number; generation: number }, least: number): Mapping {
    return this.whileThere(() => mapDataFile(this.directory, dataFile(number, generation), least));
  }

  /** Maps the data of an object that this agent has open. */
  mapData({ number, generation }: { number: number; generation: number }, bytes: number): Mapping {
    return this.whileThere(() => mapDataFile(this.directory, dataFile(number, generation), bytes, bytes));
  }

  /** Leaves, and removes the folder if no program is left in it. */
  leave(): void {
    leaveFolder(this.directory, this.fd);
  }

  private cells(index: number, make: boolean): Segment {
    const name = `cells-${index}`;
    const path = this.directory.nameOf(name);
    const bytes = segmentBytes(index);
    // Make the file if asked to, then map it.
    const fd = this.whileThere(() => {
      if (make) createSegmentFile(this.directory, name, bytes);
      return this.directory.open(name);
    });
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
