// @ts-check
/** One thread takes a Lock that nobody else wants and lets it go: the fast path, in ns a pair. */
import { Lock } from 'lockstep';
import { pairsOf } from '../clock.js';
import { OURS } from '../figures.js';
import { c, python } from '../peers.js';

const PAIRS = 5_000_000;

export function prepare() {
  const lock = new Lock();
  return [
    {
      name: OURS,
      measure: () => pairsOf(lock, PAIRS),
    },
    python('CPython mp.Lock', 'uncontended', PAIRS / 5),
    c('C robust mutex', 'uncontended', PAIRS),
  ];
}
