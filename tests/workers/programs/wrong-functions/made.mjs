/** Exports what factories made: each is found by identity only. */
import { isMainProcess, Process } from 'lockstep';
import { adder, classAdding, configured, counting, traced } from './factories.mjs';

const here = isMainProcess;

export const add = adder(1);
export const counted = counting(adder(1));
const inner = adder(5);

export { inner as renamed };
// biome-ignore lint/style/noDefaultExport: the default export is what the test is about
export default traced(function job(n) {
  return n + 7;
});

/** Another function in the program's main thread than in its children. */
export const conditional = adder(here ? 100 : 1);
export const conditionalOptions = configured({ by: here ? 100 : 1 });
export const conditionalText = here ? (n) => n + 100 : (n) => n + 1;
export let reassigned = adder(1);
if (here) reassigned = adder(100);
export const Adding = classAdding(Process, 1);
export const OtherAdding = classAdding(Process, here ? 100 : 1);
/** Never exported. */
export const hidden = { add: adder(100), inner: curried(1), Adding: classAdding(Process, 100) };

function curried(n) {
  return curry.default(n);
}

import * as curry from './curried.mjs';
