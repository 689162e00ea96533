/**
 * The variant of `src/clock.ts` for the model, whose event loop replaces the global clock and
 * timers. Chosen by `lockstep-model`.
 */

type Clock = typeof import('#clock');

let turns = 0;

export const now: Clock['now'] = () => performance.now();
export const wallTime: Clock['wallTime'] = () => Date.now();
export const timeOfDay: Clock['timeOfDay'] = () => Date.now();
export const setTimeout: Clock['setTimeout'] = (...args) => globalThis.setTimeout(...args);
export const setInterval: Clock['setInterval'] = (...args) => globalThis.setInterval(...args);
export const setImmediate: Clock['setImmediate'] = (...args) => globalThis.setImmediate(...args);
export const clearTimeout: Clock['clearTimeout'] = (timer) => globalThis.clearTimeout(timer as never);
export const clearInterval: Clock['clearInterval'] = (timer) => globalThis.clearInterval(timer as never);
export const clearImmediate: Clock['clearImmediate'] = (timer) => globalThis.clearImmediate(timer as never);
/** Always another number: no call waits for a turn, which would be one more event. */
export const turnsOfLoop: Clock['turnsOfLoop'] = () => turns++;
export const queueMicrotask: Clock['queueMicrotask'] = (act) => globalThis.queueMicrotask(act);
