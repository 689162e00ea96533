/** Terminal: colours where they are wanted. */

import type { Paint } from '../inspect/words.ts';
import { PLAIN } from '../inspect/words.ts';

/**
 * Colours for output to the stream: on a terminal only, unless the environment says otherwise.
 */
export function paintFor(stream: { isTTY?: boolean }): Paint {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  const forced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
  const wanted = forced || (stream.isTTY === true && TERM !== 'dumb');
  if (!wanted || (NO_COLOR !== undefined && NO_COLOR !== '')) return PLAIN;
  const styled =
    (opening: string) =>
    (text: string): string =>
      `\u001b[${opening}m${text}\u001b[0m`;
  return { strong: styled('1'), bad: styled('1;31'), dim: styled('2') };
}
