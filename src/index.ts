/** The public API. Only this file re-exports. */

export type { Hold, Lockable, ObjectOptions, Owner } from './contracts.ts';
export type { WaitOptions } from './deadline.ts';
export * from './errors.ts';
export { Lock } from './sync/lock.ts';
export { RLock } from './sync/rlock.ts';
