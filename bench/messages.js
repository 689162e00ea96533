// @ts-check
/** The messages in the rows of queues. */

const MEBIBYTE = new Uint8Array(2 ** 20).fill(7);

/** @type {Record<string, (i: number) => unknown>} */
const MAKERS = {
  objects: (i) => ({ id: i, name: `item ${i % 100}`, tags: ['red', 'green', 'blue'] }),
  integers: (i) => i,
  bytes: () => MEBIBYTE,
};

/** Makes the i-th message. @param {string} kind */
export function makerOf(kind) {
  const make = MAKERS[kind];
  if (!make) throw new RangeError(`no messages of kind "${kind}"`);
  return make;
}
