/** The functions that the pools of the tests run. */

export * from './pool-targets/broadcasts.ts';
export * from './pool-targets/contexts.ts';
export * from './pool-targets/counts.ts';
export * from './pool-targets/deaths.ts';
export * from './pool-targets/errors.ts';
export * from './pool-targets/shared.ts';
export * from './pool-targets/streams.ts';
export * from './pool-targets/transfers.ts';
export * from './pool-targets/values.ts';
export * from './pool-targets/waits.ts';
export * from './pool-targets/workers.ts';
