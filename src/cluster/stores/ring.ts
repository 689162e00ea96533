/** Ring: the text of a hint, as the stores send it. */

import type { StoreListener } from '../store.ts';

/** `<after>|<name>`, and on a line of its own the document that was written with the ring. */
export function hearRing(message: string, listener: StoreListener): void {
  const end = message.indexOf('\n');
  const head = end < 0 ? message : message.slice(0, end);
  const bar = head.indexOf('|');
  const [after, key] = [Number(head.slice(0, bar)), head.slice(bar + 1)];
  if (end < 0) {
    listener.rung(key, after, undefined);
    return;
  }
  const [version, now] = message.slice(end + 1).split('|', 2) as [string, string];
  const body = message.slice(end + 3 + version.length + now.length);
  listener.rung(key, after, { version: Number(version), body, dead: [], now: Number(now) });
}
