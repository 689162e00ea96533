/**
 * Channel: a ring with the gates of its waiters. Queues and both directions of a pipe are made of
 * channels.
 *
 *   word  name             bits                                   written by
 *   +0    STATE            30 WAITERS | 29 CLOSED | 28 CARRIED    the takers' gate (gate.ts)
 *   +1    TICKETS          counter                                waiters
 *   +2    LOCK             cell of the lock to put                the creator
 *   +3    LOCK_GENERATION                                         the creator
 *   +4    GATE             cell of the putters' gate              the creator
 *   +5    GATE_GENERATION                                         the creator
 *
 * Putting is in putter.ts, taking in taker.ts. This file makes a channel, opens it, and ends it.
 */

import { load } from '#atomics';
import type { Cell, Host } from '../../agents/cell.ts';
import type { Kind, KindOptions } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import { damaged } from '../../memory/damage.ts';
import { CELL_BODY, CELL_GENERATION } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import { detachData } from '../../namespaces/data-files.ts';
import { notePart, openPart, partExists } from '../../objects/parts.ts';
import { LOCK_KIND } from '../../sync/lock/lock.ts';
import { RawLock } from '../../sync/lock/raw-lock.ts';
import { Far } from './far.ts';
import { Gate } from './gate.ts';
import { ringOfKind } from './kept-items.ts';
import { Putter } from './putter.ts';
import { Ring } from './ring.ts';
import { HEADER_BYTES } from './ring-writer.ts';
import { Taker } from './taker.ts';

/** In the cell of the producing side: the queue. */
export const QUEUE_WORD: number = CELL_BODY;
const LOCK_WORD: number = CELL_BODY + 2;
const GATE_WORD: number = CELL_BODY + 4;
/** In the cell of the putters' gate: the joiners' gate. */
const JOIN_WORD: number = CELL_BODY + 2;
/** In the same cell: the producing side, if the queue ends with its producers. */
const PRODUCER_WORD: number = CELL_BODY + 4;
/** Bytes that are backed by memory at first. */
const FIRST_RESERVE = 256 * 1024;

export interface ChannelOptions {
  /** Bytes of the ring, a power of two. */
  readonly capacity: number;
  /** Maximum number of items; 0: no limit. */
  readonly most: number;
  /** Whether it has a producing side, and ends when no thread has that open. */
  readonly endsWithProducers?: boolean;
}

export class Channel {
  readonly cell: Cell;
  readonly ring: Ring;
  /** The waiters for an item. */
  readonly items: Gate;
  /** The waiters for room. */
  readonly rooms: Gate;
  /** The waiters until all items are done. */
  readonly joins: Gate;
  readonly title: string;
  /** Whether it ends with its producers: only threads with its producing side open may put. */
  readonly endsWithProducers: boolean;
  /** The two ends of the ring. */
  readonly putter: Putter;
  readonly taker: Taker;

  private constructor(cell: Cell, title: string) {
    this.cell = cell;
    this.title = title;
    // Open the cells that the queue is made of.
    const part = (type: Kind, place: Place, word: number): Cell => {
      const found = openPart(cell, type, place, word, title);
      if (found !== undefined) return found;
      throw damaged(title, `its word ${word} names no cell of a ${type.name}, and always does`);
    };
    this.items = new Gate(cell);
    this.rooms = new Gate(part(GATE_KIND, cell, GATE_WORD));
    this.endsWithProducers = load(this.rooms.cell.words, this.rooms.cell.at + PRODUCER_WORD) > 0;
    this.joins = new Gate(part(GATE_KIND, this.rooms.cell, JOIN_WORD));
    const lock = RawLock.of(part(LOCK_KIND, cell, LOCK_WORD));
    // Map the ring.
    const { buffer } = cell.agent.namespace.mapAllData(cell, HEADER_BYTES);
    cell.onClosed = () => detachData(buffer, false);
    // Build the ring with its two ends.
    const { items, rooms } = this;
    const ring = new Ring(new Int32Array(buffer), 0, title);
    const far = new Far(cell.agent.namespace.directory, cell);
    const ends = { title, items, rooms, ring, bytes: Buffer.from(buffer), far };
    this.ring = ring;
    this.putter = new Putter(lock, ends);
    this.taker = new Taker(ends);
  }

  /** The cell's Channel: one in each agent. Throws `StaleHandleError`, `LayoutError`. */
  static of(cell: Cell, title: string): Channel {
    if (cell.extension instanceof Channel) return cell.extension;
    const made = new Channel(cell, title);
    cell.extension = made;
    return made;
  }

  /**
   * Fills a cell that is just being made; its parts stay open with it. Throws `NoSpaceError`, with
   * nothing left.
   */
  static init(place: Place, agent: Host, { capacity, most, endsWithProducers }: ChannelOptions): void {
    const bytes = HEADER_BYTES + capacity;
    const reserve = Math.min(bytes, FIRST_RESERVE);
    const made: Cell[] = [];
    const part = (of: Place, word: number, type: Kind, init: (place: Place) => void = () => {}): void => {
      const cell = agent.create(type, init);
      made.push(cell);
      notePart(of, word, cell);
    };
    try {
      // Make the lock and the gates, then the file of the ring.
      part(place, LOCK_WORD, LOCK_KIND);
      part(place, GATE_WORD, GATE_KIND, (rooms) => {
        part(rooms, JOIN_WORD, GATE_KIND);
        if (endsWithProducers !== true) return;
        const generation = load(place.words, place.at + CELL_GENERATION);
        part(rooms, PRODUCER_WORD, PRODUCER_KIND, (producer) =>
          notePart(producer, QUEUE_WORD, { number: place.number, generation }),
        );
      });
      agent.namespace.makeData(place, bytes, { reserve, content: Ring.header(capacity, most, reserve) });
    } catch (error) {
      // Undo the parts that were made.
      for (const cell of made) agent.closeCell(cell);
      throw error;
    }
  }

  /** Whether it ends with its producers, and none is left. */
  get abandoned(): boolean {
    const { cell } = this.rooms;
    return this.endsWithProducers && !partExists(cell, cell, PRODUCER_WORD, PRODUCER_KIND.number);
  }

  /**
   * Whether the producing side is open here, and nothing stands for it yet: it was made with the
   * queue, just now.
   */
  get hasFreshProducer(): boolean {
    const { agent, words, at } = this.rooms.cell;
    return this.endsWithProducers && agent.cells.get(load(words, at + PRODUCER_WORD))?.references === 0;
  }

  /**
   * The cell of the producing side, which is opened here if needed; `undefined`: no agent has it
   * open.
   */
  openProducer(): Cell | undefined {
    const { agent, words, at } = this.rooms.cell;
    return agent.open(PRODUCER_KIND, load(words, at + PRODUCER_WORD), load(words, at + PRODUCER_WORD + 1));
  }

  /**
   * Closes it permanently: nothing more can be put, remaining items can be taken. *Blocks* while
   * another puts. Throws `StateError` within `put`.
   */
  close(): void {
    this.putter.close();
    this.wakeAll();
  }

  /**
   * Rejects the calls made through `keeper` that wait for an item, for room, for the lock to put or
   * until all is done.
   */
  rejectAll(keeper: object): void {
    for (const cell of [this.cell, this.putter.cell, this.rooms.cell, this.joins.cell])
      cell.rejectAll(keeper, this.title);
  }

  /** Wakes all waiters at the gates. */
  wakeAll(): void {
    for (const gate of [this.items, this.rooms, this.joins]) gate.announceAll();
  }
}

/** Declares a kind of queue. */
export function defineChannelKind(
  options: Pick<KindOptions, 'number' | 'name'> & Partial<Pick<KindOptions, 'open'>>,
): Kind {
  const needs = [LOCK_WORD, GATE_WORD];
  return defineKind({ ...options, serial: true, data: true, needs, ring: ringOfKind });
}

export const GATE_KIND: Kind = defineKind({ number: 22, name: 'Gate', serial: true, needs: [JOIN_WORD] });

/** The producing side, as its queue makes it; its class adds how it is opened by a handle. */
export const PRODUCER_KIND: Kind = defineKind({
  number: 24,
  name: 'QueueProducer',
  needs: [QUEUE_WORD],
  endIsAwaited: true,
});
