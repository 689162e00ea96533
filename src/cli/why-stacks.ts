/** WhyStacks: the stacks that `lockstep why --stacks` adds. */

import type { ThreadStacks } from '../inspect/asking.ts';
import { askForStacks } from '../inspect/asking.ts';
import type { Member } from '../inspect/finding-types.ts';
import { explainStacks } from '../inspect/stacks-text.ts';
import type { Snapshot } from '../inspect/types.ts';
import type { Paint } from '../inspect/words.ts';

/** The answers of the threads that were asked for their stacks. */
export interface Asked {
  readonly stacks?: readonly ThreadStacks[];
}

export function stacksOf(snapshot: Snapshot, members: readonly Member[]): Asked {
  return { stacks: askForStacks(snapshot, members) };
}

export function stacksText({ stacks }: Asked, paint: Paint): string {
  if (stacks === undefined) return '';
  return stacks.length === 0 ? '\nNobody to ask for a stack.\n' : `\n${explainStacks(stacks, paint)}`;
}
