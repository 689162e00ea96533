/** An actor's calls of shared data. */

import { type RawValue, SharedMemory, type SharedMemoryOptions, type Value } from 'lockstep';
import type { Self } from './operations.ts';

/**
 * How one is added to a counter: reading and writing it, the same inside its lock, or by one atomic
 * instruction.
 */
export type Way = 'plainly' | 'locked' | 'atomically';

export const sharedData = {
  /** Member of the object, or of a part of it: `inner.x`. */
  async get(_self: Self, object: object, path: string): Promise<unknown> {
    return plain(await path.split('.').reduce<unknown>((at, key) => Reflect.get(Object(at), key), object));
  },

  put(_self: Self, object: object, member: string, value: unknown): void {
    Reflect.set(object, member, value);
  },

  /** Calls a method of the object, or of a part of it: `tags.set`. */
  async invoke(_self: Self, object: object, path: string, ...args: unknown[]): Promise<unknown> {
    const keys = path.split('.');
    const method = keys.pop() as string;
    const part = keys.reduce<unknown>((at, key) => Reflect.get(Object(at), key), object);
    return plain(await Reflect.apply(Reflect.get(Object(part), method), part, args));
  },

  /** Everything in it. */
  list(_self: Self, object: object): unknown[] {
    return [...(object as Iterable<unknown>)].map(plain);
  },

  async addOnes(self: Self, counter: Value<'i32'> | RawValue<'i32'>, times: number, way: Way): Promise<void> {
    const add = (): void => {
      counter.value = counter.value + 1;
    };
    for (let i = 0; i < times; i++) {
      if (way === 'atomically') counter.add(1);
      else if (way === 'plainly') add();
      else if (self.style === 'blocking') (counter as Value<'i32'>).runSync(add);
      else await (counter as Value<'i32'>).run(add);
    }
  },

  /** Attaches or makes a block, does something with its bytes, and closes it. Gives its bytes. */
  useBlock(_self: Self, options: SharedMemoryOptions, write?: { at: number; byte: number }): number[] {
    using block = new SharedMemory(options);
    const bytes = new Uint8Array(block.buffer);
    if (write !== undefined) bytes[write.at] = write.byte;
    return [...bytes];
  },

  /** Writes a byte into a block that the actor was given. */
  writeByte(_self: Self, block: SharedMemory, at: number, byte: number): void {
    new Uint8Array(block.buffer)[at] = byte;
  },

  readBytes(_self: Self, block: SharedMemory): number[] {
    return [...new Uint8Array(block.buffer)];
  },

  unlink(_self: Self, block: SharedMemory): void {
    block.unlink();
  },

  /** Makes a block that stays open in the actor. */
  keepBlock(_self: Self, options: SharedMemoryOptions): string {
    const block = new SharedMemory(options);
    kept.push(block);
    return block.name;
  },
};

const kept: SharedMemory[] = [];

/** The part of a value that can be sent. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('toArray' in value && typeof value.toArray === 'function') return value.toArray();
  if ('toObject' in value && typeof value.toObject === 'function') return value.toObject();
  return value;
}
