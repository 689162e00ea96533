/**
 * Shapes: the keys of plain objects, which are the same for many of them.
 *
 *   +0  bytes of the keys that follow      then each key: its length, its characters in Latin-1
 *
 * So every item contains its keys, and they are written and recognised in one piece. Each side
 * keeps its own shapes. The writer finds a shape by following the keys through a tree; the reader
 * finds it by a hash of the bytes, and then compares all of them.
 *
 * Shapes are few where they come from a program's types. If there are many (objects used as
 * dictionaries), only a bounded number is kept.
 */

/** The most keys of an object that has a shape. */
export const MOST_KEYS = 15;
const LONGEST_KEYS = 255;
/**
 * Maximum number of nodes in the tree, and of objects without a place in it before it is built
 * again.
 */
const MOST_NODES = 2000;
const MOST_MISSES = 10_000;
/** Shapes that a reader keeps, a power of two. */
const SLOTS = 256;
const HASH_FACTOR = 31;
/** Number of objects of a shape after which a function that makes them is compiled. */
const USES_UNTIL_MADE = 200;

const BARE = {};

/** Keys in the order in which they were made, and their bytes. */
export interface Shape {
  readonly keys: readonly string[];
  readonly block: Uint8Array;
}

type Maker = (next: (depth: number) => unknown, depth: number) => object;

/** A shape that is read again and again. */
class ReadShape implements Shape {
  readonly keys: readonly string[];
  readonly block: Uint8Array;
  private uses = 0;
  private made: Maker | undefined;

  constructor(keys: readonly string[], block: Uint8Array) {
    this.keys = keys;
    this.block = block;
  }

  /**
   * A function that makes an object of this shape in one piece, from values that it asks for one by
   * one; `undefined` if there is none.
   */
  get maker(): Maker | undefined {
    if (this.uses < USES_UNTIL_MADE && ++this.uses === USES_UNTIL_MADE) this.made = makerOf(this.keys);
    return this.made;
  }
}

/** A shape, and the shapes with one more key. */
interface Node {
  /** `undefined`: these keys can't be written so. */
  readonly shape: Shape | undefined;
  /** The last key that followed, and its node. */
  key: string | undefined;
  next: Node | undefined;
  readonly others: Map<string, Node>;
}

/** The shapes that a writer has seen. */
export class KnownShapes {
  private root = nodeOf([]);
  private nodes = 0;
  private misses = 0;

  /** The object's shape; `undefined` where it has too many or too long keys. */
  of(object: object): Shape | undefined {
    // The program has added a key to all objects. Inherited keys are not part of a value, but would
    // show up here.
    for (const _ in BARE) return undefined;
    let node = this.root;
    for (const key in object) {
      if (node.key !== key) {
        const next = this.follow(node, key);
        if (next === undefined) return undefined;
        node.key = key;
        node.next = next;
      }
      node = node.next!;
    }
    return node.shape;
  }

  private follow(node: Node, key: string): Node | undefined {
    const known = node.others.get(key);
    if (known !== undefined) return known;
    if (node.shape === undefined || node.shape.keys.length === MOST_KEYS) return undefined;
    if (this.nodes === MOST_NODES) {
      if (++this.misses > MOST_MISSES) this.clear();
      return undefined;
    }
    this.nodes++;
    const made = nodeOf([...node.shape.keys, key]);
    node.others.set(key, made);
    return made;
  }

  private clear(): void {
    this.root = nodeOf([]);
    this.nodes = 0;
    this.misses = 0;
  }
}

/** The shapes that a reader has seen. */
export class ReadShapes {
  private readonly slots: (ReadShape | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);

  /** The shape of `count` keys whose block begins at `at`; `undefined` if that is invalid. */
  at(bytes: Uint8Array, at: number, end: number, count: number): ReadShape | undefined {
    const length = 1 + bytes[at]!;
    if (at + length > end) return undefined;
    const hash = (bytes[at + (length >> 1)]! * HASH_FACTOR + bytes[at + length - 1]!) * HASH_FACTOR + length;
    const slot = hash & (SLOTS - 1);
    const known = this.slots[slot];
    if (known !== undefined && known.keys.length === count && isAt(bytes, at, known.block)) return known;
    // Make a copy: a Buffer's own slice would be a view of memory that others write.
    const shape = shapeIn(Uint8Array.prototype.slice.call(bytes, at, at + length), count);
    this.slots[slot] = shape;
    return shape;
  }
}

function isAt(bytes: Uint8Array, at: number, block: Uint8Array): boolean {
  for (let index = 0; index < block.length; index++) if (bytes[at + index] !== block[index]) return false;
  return true;
}

function nodeOf(keys: readonly string[]): Node {
  const block = blockOf(keys);
  const shape = block === undefined ? undefined : { keys, block };
  return { shape, key: undefined, next: undefined, others: new Map() };
}

function blockOf(keys: readonly string[]): Uint8Array | undefined {
  const block = [0];
  for (const key of keys) {
    block.push(key.length);
    for (let index = 0; index < key.length; index++) block.push(key.charCodeAt(index));
  }
  block[0] = block.length - 1;
  return block.every((byte) => byte <= LONGEST_KEYS) ? Uint8Array.from(block) : undefined;
}

function shapeIn(block: Uint8Array, count: number): ReadShape | undefined {
  const keys: string[] = [];
  let at = 1;
  for (let index = 0; index < count; index++) {
    const end = at + 1 + (block[at] ?? block.length);
    if (end > block.length) return undefined;
    keys.push(String.fromCharCode(...block.subarray(at + 1, end)));
    at = end;
  }
  return at === block.length ? new ReadShape(keys, block) : undefined;
}

/**
 * A function with the keys written out: V8 makes such an object three times as fast as key by key.
 * `undefined` where code must not be generated.
 */
function makerOf(keys: readonly string[]): Maker | undefined {
  const fields = keys.map((key) => `[${JSON.stringify(key)}]: next(depth)`);
  try {
    return new Function('next', 'depth', `return { ${fields.join(', ')} };`) as Maker;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
