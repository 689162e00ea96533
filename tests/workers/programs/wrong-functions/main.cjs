'use strict';
/** CommonJS. */
const { isMainProcess } = require('lockstep');
const { attempt } = require('./attempts.mjs');
const { adder } = require('./factories.mjs');
const common = require('./patched.cjs');

exports.add = adder(1);
exports.own = common.adder(1);
exports.conditional = common.adder(isMainProcess ? 100 : 1);
Object.defineProperty(exports, 'broken', {
  enumerable: true,
  get() {
    throw new Error('a getter of exports');
  },
});
const brother = common.adder(100);
if (isMainProcess) common.kept = common.adder(100);

if (isMainProcess) {
  void attempt({
    'made by an ES module': exports.add,
    'made by another CommonJS module': exports.own,
    'of another module': common.add,
    'a brother': brother,
    'put into the exports of another module': common.kept,
    conditional: exports.conditional,
  });
}
