/**
 * SessionId: the name of a session, which says where its program runs: `kR8fQz1A:2394:web-3`, of
 * chance, pid and host. It has no character that a pattern of the servers' scripts gives a meaning,
 * but `-`.
 */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A channel of PostgreSQL has the id in its name, of 63 bytes at most. */
const MOST_HOST = 24;
const [HOST = ''] = hostname().split('.');

export function newSessionId(): string {
  const host = HOST.replace(/[^\w-]/g, '-').slice(0, MOST_HOST);
  return `${randomBytes(6).toString('base64url')}:${process.pid}:${host}`;
}

/** The program of a session; `undefined` if an older version has made the id. */
export function programOf(session: string): { host: string; pid: number } | undefined {
  const [, pid, host] = /^[\w-]{8}:(\d+):([\w-]+)$/.exec(session) ?? [];
  return pid === undefined || host === undefined ? undefined : { host, pid: Number(pid) };
}
