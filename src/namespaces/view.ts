/** NamespaceView: the part of a namespace that readers need: a mapped namespace, or a copy. */

import type { Words } from '../memory/atomics.ts';
import type { Place } from '../memory/place.ts';

export interface CellsView {
  /** Cells that may be in use. */
  readonly reach: number;
  /** Where the cell is; `undefined` if there is none of that number. */
  find(cell: number): Place | undefined;
}

export interface NamespaceView {
  /** The control segment. */
  readonly words: Words;
  /** Highest slot that was ever used. */
  readonly highSlot: number;
  readonly arena: CellsView;
}
