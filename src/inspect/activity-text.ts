/** ActivityText: the activity of a thread that holds up no lock, in words. */

import { doing, endOf } from './branch-text.ts';
import type { Member } from './finding-types.ts';
import { listed } from './words.ts';

/** The activity of the thread, after "which". */
export function activity(member: Member): string {
  const ends = member.alsoJoins.map(endOf);
  const awaited = ends.length === 0 ? '' : ` and awaits ${listed(ends)}`;
  if (member.state === 'busy') return `is busy${awaited}`;
  return member.state === 'idle' ? `is idle in its event loop${awaited}` : doing(member);
}
