/**
 * Content: the parameters of an object, and how an object found under a name is checked to be the
 * wanted one.
 */

import type { Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import type { Place } from '../memory/place.ts';
import { abandon } from './forgotten.ts';
import { obtain } from './obtain.ts';
import type { Opened } from './opened.ts';

export interface Content {
  /** Fills the object's cell. */
  make(place: Place, agent: Host): void;
  /** Looks at the object, found or made, and throws if it has other content. */
  check(opened: Opened): void;
}

/** The cell for a constructor call: found by its name and checked, or made. */
export function obtainChecked(
  type: Kind,
  options: ObjectOptions | undefined,
  { make, check }: Content,
): Opened {
  const opened = obtain(type, options, make);
  checked(opened, check);
  return opened;
}

/** Runs `check`; if it throws, closes the objects that were opened. */
export function checked(opened: Opened, check: (opened: Opened) => void): void {
  try {
    check(opened);
  } catch (error) {
    abandon(opened);
    throw error;
  }
}
