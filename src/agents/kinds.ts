/**
 * Kinds: a description of each kind of object. A class declares its kind once, by
 * `defineKind`; the list of all (kinds/all.ts) makes them known to this program.
 *
 * A program may meet objects of a kind that it does not know, made by a newer version. It can end
 * them, because the header of their cell lists their parts. It leaves their recovery to an agent
 * that knows the kind (reaper.ts).
 */

import type { Words } from '../memory/atomics.ts';
import { HAS_CHAIN_BIT, HAS_DATA_BIT, HAS_RING_BIT, KIND_MASK, KIND_SHIFT } from '../memory/layout.ts';
import type { Named, Place } from '../memory/place.ts';
import type { Namespace } from '../namespaces/namespace.ts';

/** The facts that a class declares about its objects. */
export interface KindOptions {
  /** In the header of their cells: 1 to 63, for good. */
  readonly number: number;
  /** The class's name, as in handles and messages. */
  readonly name: string;
  /** Whether only the first waiter can be served. */
  readonly serial?: boolean;
  /** Whether an agent's wait entry stays filled until it closes the object. */
  readonly lasting?: boolean;
  /** Whether files of data belong to each object. */
  readonly data?: boolean;
  /** Whether a chain of further words hangs on each object (objects/extra-words.ts). */
  readonly chain?: boolean;
  /** Frees the dead agent's share of the object. The reaper wakes the sleepers afterwards. */
  readonly recover?: (namespace: Namespace, place: Place, dead: number) => void;
  /**
   * Undoes a wait entry that the dead agent left: `at` is the entry's first word in `words`.
   */
  readonly withdraw?: (namespace: Namespace, place: Place, dead: number, words: Words, at: number) => void;
  /**
   * Whether the agent in that slot holds the object, or some of it. Left out where `holder` decides
   * it, or where the kind has no holders.
   */
  readonly holds?: (namespace: Namespace, place: Place, slot: number) => boolean;
  /** Slot of the agent that has to give the object back before anyone else gets it; 0: nobody. */
  readonly holder?: (place: Place) => number;
  /**
   * Whether only its holder releases the object, and the cell that the holding code awaits, if
   * known: see wait-for.ts.
   */
  readonly pledge?: (place: Place, holder: number) => Pledge | undefined;
  /**
   * Words of the cell that name another object which this one needs. Each is the first of two:
   * number, then generation.
   */
  readonly needs?: readonly number[];
  /** Whether other agents wait for the object's end. */
  readonly endIsAwaited?: boolean;
  /** Reads its data as a ring, in whose items other objects may be named. */
  readonly ring?: RingOfKind;
  /** Opens the object that a handle of the class stands for. */
  readonly open?: (handle: string) => object;
}

/** A kind, as the rest of the library sees it. */
export interface Kind extends KindOptions {
  readonly serial: boolean;
  readonly lasting: boolean;
  readonly needs: readonly number[];
  /** Its bits in the header of its cells: number and content. */
  readonly bits: number;
  /** The kind of which it is a second class, with the same objects. */
  readonly classOf?: Kind;
  /**
   * In a bundle, for a kind whose code is not loaded yet: loads it, and returns whether that
   * worked.
   */
  readonly ready?: () => boolean;
}

/** The object that a holder waits for while it holds this one. */
export interface Pledge {
  /** Cell that the code which holds the object awaits; 0 where that is not known. */
  readonly wants: number;
  /** Distinguishes that wait from others for the same cell. */
  readonly stamp: number;
}

/** The facts about a kind of object with a ring. */
export interface RingOfKind {
  /**
   * Takes all items out of the object's ring. Returns the cells that they named, or `undefined`
   * where those can't be read. See `Rings` in arena.ts.
   */
  empty(namespace: Namespace, place: Place, begin: () => void): Named[] | undefined;
  /** The cells that the items in the object's ring name; `undefined` where those can't be read. */
  names(namespace: Namespace, place: Place): Named[] | undefined;
}

/** Declares a kind. It is known once it is listed. */
export function defineKind(options: KindOptions): Kind {
  const { number, data = false, chain = false, ring, serial = false, lasting = false, needs = [] } = options;
  if (!Number.isInteger(number) || number < 1 || number > KIND_MASK) {
    throw new RangeError(`kind ${options.name}: its number is ${number}, and can be 1 to ${KIND_MASK}`);
  }
  const bits =
    (number << KIND_SHIFT) |
    (data ? HAS_DATA_BIT : 0) |
    (chain ? HAS_CHAIN_BIT : 0) |
    (ring === undefined ? 0 : HAS_RING_BIT);
  return { ...options, serial, lasting, needs, bits };
}

/** Declares a second class for the objects of a kind. */
export function defineClassOf(kind: Kind, { name, open }: Pick<Kind, 'name' | 'open'>): Kind {
  return { ...kind, name, ...(open === undefined ? {} : { open }), classOf: kind };
}

let byNumber: ReadonlyMap<number, Kind> = new Map();
let byName: ReadonlyMap<string, Kind> = new Map();
let all: readonly Kind[] = [];

/** Makes these kinds, and no others, known to this program. */
export function listKinds(kinds: readonly Kind[]): void {
  const numbers = new Map<number, Kind>();
  const names = new Map<string, Kind>();
  for (const kind of kinds) {
    const { number, name, classOf = kind } = kind;
    const other = numbers.get(number) ?? classOf;
    // Refuse two kinds with one number or one name.
    if (other !== classOf)
      throw new RangeError(`kinds ${other.name} and ${name} have the same number ${number}`);
    if (names.has(name)) throw new RangeError(`two kinds have the same name ${name}`);
    numbers.set(number, other);
    names.set(name, kind);
  }
  // Publish the list as a whole.
  byNumber = numbers;
  byName = names;
  all = kinds;
}

/** `undefined`: this program does not know it. */
export function kindNumbered(number: number): Kind | undefined {
  return byNumber.get(number);
}

/** Whether this program has the code to recover objects of the kind. */
export function canServe(number: number): boolean {
  const kind = byNumber.get(number);
  return kind !== undefined && (kind.ready === undefined || kind.ready());
}

/** The kind of the class of that name. */
export function kindNamed(name: string): Kind | undefined {
  return byName.get(name);
}

/** Whether a kind's objects are opened by this function. */
export function opensKind(open: unknown): boolean {
  return open !== undefined && all.some((kind) => kind.open === open);
}
