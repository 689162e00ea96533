// @ts-check
/**
 * Items a second through a queue of the cluster, each put and taken by itself. `cluster-queue-…`:
 * over Redis; `cluster-postgres-queue-…`: over PostgreSQL.
 *
 * - one: from one process to another, 100 characters an item
 * - many: from four processes to four others, the same
 * - large: from one process to another, 20,000 characters an item
 * - wait: milliseconds from a put to a process that waits in `get`
 */
import { member, startServer } from '../cluster-members.js';
import { OURS } from '../figures.js';

const COUNT = 800;
const SHAPES = /** @type {Record<string, { pairs: number, length: number }>} */ ({
  one: { pairs: 1, length: 100 },
  many: { pairs: 4, length: 100 },
  large: { pairs: 1, length: 20_000 },
});

const WAITS = 15;
const PAUSE_MS = 20;

/** @param {string} row */
export async function prepare(row) {
  if (row.endsWith('-wait')) return wait(row);
  const shape = SHAPES[row.slice(row.lastIndexOf('-') + 1)];
  if (shape === undefined) throw new RangeError(`no row "${row}"`);
  const { pairs, length } = shape;
  const server = await startServer(row);
  if (server === undefined) return [{ name: OURS, missing: 'no such server here' }];
  const members = await Promise.all(Array.from({ length: 2 * pairs }, () => member('ours', server.url)));
  const count = COUNT / pairs;
  const measure = async () => {
    const start = performance.now();
    await Promise.all(
      members.map(({ ask }, i) => ask({ flow: { name: 'bench', puts: i < pairs, count, length } })),
    );
    return (COUNT * 1000) / (performance.now() - start);
  };
  const close = async () => {
    for (const each of members) each.stop();
    await server.stop();
  };
  return [{ name: OURS, measure, close }];
}

/** @param {string} row */
async function wait(row) {
  const server = await startServer(row);
  if (server === undefined) return [{ name: OURS, missing: 'no such server here' }];
  const [producer, consumer] = await Promise.all([member('ours', server.url), member('ours', server.url)]);
  const measure = async () => {
    const samples = [];
    for (let i = 0; i < WAITS; i++) {
      const got = consumer.ask({ stamp: { name: 'bench', puts: false } });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      await producer.ask({ stamp: { name: 'bench', puts: true } });
      samples.push((await got).after);
    }
    return samples.sort((a, b) => a - b)[WAITS >> 1] ?? 0;
  };
  const close = async () => {
    producer.stop();
    consumer.stop();
    await server.stop();
  };
  return [{ name: OURS, measure, close }];
}
