'use strict';
const adder = (by) =>
  function add(n) {
    return n + by;
  };
exports.adder = adder;
exports.add = adder(1);
exports.kept = adder(3);
let served = 0;
Object.defineProperty(exports, 'turning', { enumerable: true, get: () => adder(++served) });
