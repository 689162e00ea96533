// @ts-check
/** The processes that take part in the rows about the cluster, and their server. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startRedis } from './cluster-locks.js';
import { startPostgres } from './postgres-server.js';

const MEMBER = fileURLToPath(new URL('programs/cluster-member.js', import.meta.url));

/** The server of a row; `undefined` where its program is missing. @param {string} row */
export function startServer(row) {
  return row.startsWith('cluster-postgres-') ? startPostgres() : startRedis();
}

/**
 * A process with so many connections to the server.
 *
 * @param {string} kind   `ours`, `theirs`
 * @param {string} url
 * @param {{ lease?: number }} [options]
 * @param {number} [connections]
 */
export async function member(kind, url, options = {}, connections = 1) {
  const child = fork(MEMBER, [kind, url, JSON.stringify(options), String(connections)]);
  /** @type {Map<number, (reply: any) => void>} */
  const asked = new Map();
  let ids = 0;
  await new Promise((resolve) => child.once('message', resolve));
  child.on('message', (/** @type {{ id: number }} */ reply) => asked.get(reply.id)?.(reply));
  return {
    /** @param {object} what @returns {Promise<any>} */
    ask: (what) =>
      new Promise((resolve) => {
        const id = ++ids;
        asked.set(id, resolve);
        child.send({ id, ...what });
      }),
    /** @param {NodeJS.Signals} signal */
    signal: (signal) => child.kill(signal),
    stop: () => child.kill(),
  };
}
