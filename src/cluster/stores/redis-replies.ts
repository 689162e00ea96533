/** Replies of the scripts at a Redis server, as the store returns them. */

import type { PlacesReply } from '../machines/places.ts';
import type { Committed, Served, Snapshot, Turn, Turned } from '../store.ts';
import { Outdated, SessionGone } from '../store.ts';
import { replyIn } from './queue-calls.ts';

/** The document that is there; throws if the session is dead, or its epoch over. */
export function readIn(reply: unknown): Snapshot {
  checkSession(reply);
  return snapshotIn(reply);
}

function checkSession(reply: unknown): void {
  const code = Number((reply as unknown[])[0]);
  if (code === -1) throw new SessionGone('the session is dead');
  if (code === -2) throw new Outdated('the commit is of an earlier epoch');
}

export function servedIn(reply: unknown): Served {
  checkSession(reply);
  const [code, about, ...replies] = reply as unknown[];
  if (Number(code) === 0) return { done: false, kind: String(about) };
  return { done: true, now: Number(about), replies: replies.map((each) => replyIn(String(each))) };
}

export function committedIn(reply: unknown): Committed {
  const [code, version, now] = reply as unknown[];
  if (Number(code) === 1) return { done: true, version: Number(version), now: Number(now) };
  return { done: false, fresh: readIn(reply) };
}

/** The reply to `turn`, as redis-places.ts describes it. */
export function turnedIn(reply: unknown, { call, alone }: Turn): Turned {
  if (typeof reply !== 'string') return { done: false, fresh: readIn(reply) };
  const first = reply.indexOf('|');
  if (first < 0) {
    const version = Number(reply);
    const now = Math.floor(version / 1000);
    return call.op === 'leave'
      ? { done: true, version, now, reply: { is: 'done', count: 1 }, body: null }
      : { done: true, version, now, reply: { is: 'held', token: 0, recovered: false }, body: alone };
  }
  const second = reply.indexOf('|', first + 1);
  const end = reply.indexOf('\n', second);
  return {
    done: true,
    version: Number(reply.slice(0, first)),
    now: Number(reply.slice(first + 1, second)),
    reply: JSON.parse(reply.slice(second + 1, end < 0 ? undefined : end)) as PlacesReply,
    body: end < 0 ? undefined : reply.slice(end + 1) || null,
  };
}

function snapshotIn(reply: unknown): Snapshot {
  const [, now, version, body, ...dead] = (reply as unknown[]).map(String);
  const text = body === '' ? null : body!;
  return { version: Number(version), body: text, dead, now: Number(now) };
}
