/** Critical: a section in which one actor may be at a time. */

import type { Hold } from '../internals.ts';
import type { Tools } from '../scenario.ts';

/** 1 + the actor inside, 0 nobody. */
const INSIDE = 0;

/**
 * Is inside for a while. Checks that nobody else is, and that a predecessor's death is reported.
 */
export function critical(tools: Tools<unknown>, hold: Hold, inside = INSIDE): void {
  const me = tools.me + 1;
  tools.note((ghosts) => {
    const other = ghosts[inside]!;
    const died = other !== 0 && tools.isDead(other - 1);
    tools.check(other === 0 || died, 'two are inside');
    tools.check(!died || hold.recovered, 'the holder died inside, and the next one is not told');
    ghosts[inside] = me;
  });
  tools.pause();
  tools.note((ghosts) => {
    tools.check(ghosts[inside] === me, 'somebody else was inside');
    ghosts[inside] = 0;
  });
}
