// The target of the row warm-start: a module that imports Lockstep, as most targets' do, and no
// more than it needs.
import 'lockstep';
import { monotonicMs } from '../clock.js';

export function firstLine() {
  return monotonicMs();
}
