/**
 * Job: a target with its arguments, on its way to a child. `Child` makes it, the launch of a
 * process or thread packs it, and the child runs it.
 */

import type { Parcel } from '../codec/parcel.ts';
import type { FunctionReference } from '../functions/resolving.ts';
import type { Address } from './gift.ts';

/** `Cargo`: the arguments are values in the parent, and a parcel on their way. */
export interface Job<Cargo = unknown> {
  readonly target: FunctionReference;
  /**
   * Whether the target is a class, whose `run` runs on an object with the fields in `cargo`;
   * else `cargo` holds arguments.
   */
  readonly isMethod: boolean;
  readonly cargo: Cargo;
}

/** A job as it travels. */
export interface PackedJob extends Job<Parcel> {
  /** Folder of the namespace. */
  readonly folder: string;
  /** The agent that takes the outcome. */
  readonly parent: Address;
}
