/**
 * Runs targets here and in a child each, and says how that ended: `same`, another `value`, or where
 * it was refused.
 */
import { Process, Thread } from 'lockstep';

/** `cases`: the function, or a function that makes the child; by name. */
export async function attempt(cases) {
  const endings = Object.entries(cases).map(async ([name, target], index) => {
    const Kind = index % 8 === 0 ? Process : Thread;
    let child;
    try {
      child = isChildClass(target) ? new target() : new Kind({ target, args: [1] });
      child.start();
    } catch (error) {
      return [name, `${error.code} at start: ${error.message}`];
    }
    const expected = isChildClass(target) ? new target().run() : target(1);
    try {
      const value = await child.result;
      return [name, value === expected ? 'same' : `value ${value} instead of ${expected}`];
    } catch (error) {
      return [name, `${error.code} in the child: ${error.message}`];
    }
  });
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(endings))));
}

function isChildClass(target) {
  return target.prototype instanceof Process || target.prototype instanceof Thread;
}
