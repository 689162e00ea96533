/** ES modules; awaits at its top level. */
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { isMainProcess } from 'lockstep';
import { attempt } from './attempts.mjs';
import * as later from './default-later.mjs';
import scale, * as named from './default-name.mjs';
import { adder, traced } from './factories.mjs';
import made, * as all from './made.mjs';
import { add as addOfMade, renamed } from './made.mjs';
import * as again from './made.mjs?v=2';

const require = createRequire(import.meta.url);
const common = require('./patched.cjs');

export const add = adder(1);
export const tracedHere = traced(function tracedHere(n) {
  return n + 1;
});
/** Called like an export, and another function. */
const unexported = { add: adder(100), tracedHere: traced((n) => n + 100) };
export function plain(n) {
  return n + 1;
}

if (isMainProcess) {
  await null;
  const queried = await import('./factories.mjs?v=1');
  const replaced = replaceRequired();
  all.counted(1);
  plain.made = true;
  await attempt({
    // Found.
    add,
    tracedHere,
    plain,
    'of another module': addOfMade,
    'under another name': renamed,
    'the default, wrapped': made,
    'the default by name': scale,
    'the wrapper counts its calls': all.counted,
    'a class of a factory': all.Adding,
    'of CommonJS': common.kept,
    'of a second instance': again.add,
    // Refused.
    'a brother by its name': unexported.add,
    'a brother by its set name': unexported.tracedHere,
    'a brother of a second instance': queried.adder(100),
    'a brother in the module of the export': all.hidden.add,
    'a brother of the default': named.hidden.scale,
    'the inside of a default': all.hidden.inner,
    'a brother of a class': all.hidden.Adding,
    'assigned after the default was taken': later.current(),
    reassigned: all.reassigned,
    conditional: all.conditional,
    'conditional options': all.conditionalOptions,
    'conditional text': all.conditionalText,
    'a conditional class': all.OtherAdding,
    'a Proxy': new Proxy(plain, {}),
    bound: plain.bind(null, 1),
    'a getter’s': common.turning,
    'of a replaced module': replaced,
    'of a script with a module’s name': vm.runInThisContext('(x) => (x) => x', {
      filename: new URL('./curried.mjs', import.meta.url).href,
    })(1),
    'of another context': vm.runInNewContext(
      '(function plain(n) { return n + 100; })',
      {},
      { filename: import.meta.url },
    ),
  });
}

/** Other exports were put in the place of a module's own. */
function replaceRequired() {
  const path = require.resolve('./patched.cjs');
  const original = require.cache[path];
  require.cache[path] = { ...original, exports: { ...common, work: common.adder(100) } };
  return require('./patched.cjs').work;
}
