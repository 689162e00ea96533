/**
 * The conformance suites over each store. `npm test` runs some of them and lists the cases of the
 * others; `test:deep` runs them all. docs/internals/cluster-conformance.md shows the counts: it
 * must have those of this run.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { BEYOND, NOT_IN_CONTRACT } from '../support/backends/backend.ts';
import type { Primitive, Ran } from './backends/count.ts';
import { count, SUITES, sumOf, table } from './backends/count.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const ALL = Object.keys(SUITES) as Primitive[];
const AT_LEAST = 0.95;
const ROOT = new URL('../../../', import.meta.url);
const PAGE = new URL('docs/internals/cluster-conformance.md', ROOT);

/** The suites that `npm test` runs: those that wait for no lease. */
const QUICK: Record<string, readonly Primitive[]> = {
  memory: ['Event', 'Latch', 'Value', 'Queue', 'JoinableQueue'],
  Redis: ['Event', 'Latch', 'Value', 'Queue', 'JoinableQueue'],
  PostgreSQL: ['Event', 'Latch', 'Value', 'JoinableQueue'],
};

const stores = Object.keys(QUICK);
const ran = new Map<string, Ran>();
let redis: RedisServer;
let postgres: PostgresServer;

before(async () => {
  [redis, postgres] = await Promise.all([RedisServer.start(), PostgresServer.start()]);
});
after(async () => {
  await Promise.all([redis.stop(), postgres.stop()]);
});

describe('the suites hold', { concurrency: stores.length }, () => {
  for (const store of stores) {
    it(`over ${store}: at least ${AT_LEAST * 100} % of the cases, the others left out with a reason`, async (t) => {
      const atServer = store !== 'memory';
      const backend = new URL(`./backends/${atServer ? 'server' : 'memory'}.js`, import.meta.url);
      const url = store === 'Redis' ? redis.url : postgres.url;
      const env = atServer ? { LOCKSTEP_TEST_SERVER: url } : {};
      const result = await count(store, backend, deep ? ALL : QUICK[store]!, env);
      ran.set(store, result);
      for (const [primitive, { passed, listed, left }] of result.counts) {
        const run = listed.length === 0 ? `${passed.length} passed` : `${listed.length} pass in test:deep`;
        t.diagnostic(`${primitive}: ${run}, ${left.length} left out`);
        for (const { sentence, reason } of left) t.diagnostic(`  ${sentence}: ${reason}`);
        assert.ok(passed.length + listed.length >= 3, `${primitive}: its suite has too few cases`);
      }
      const { held, of } = sumOf(result.counts.values());
      t.diagnostic(`${held} of ${of} cases, ${((held / of) * 100).toFixed(1)} %`);
      assert.ok(held / of >= AT_LEAST, `only ${held} of ${of} cases are passed`);
    });
  }
});

it('what the uncounted cases need is really not in contracts.ts', () => {
  const contracts = readFileSync(new URL('src/contracts.ts', ROOT), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  for (const { counts } of ran.values()) {
    for (const { beyond } of counts.values()) {
      for (const { sentence, reason } of beyond) {
        if (!reason.startsWith(NOT_IN_CONTRACT)) continue;
        const member = reason.slice(NOT_IN_CONTRACT.length);
        assert.doesNotMatch(contracts, new RegExp(`\\b${member}\\b`), `${BEYOND}${sentence}`);
      }
    }
  }
});

it('the page shows the counts of this run', () => {
  const page = readFileSync(PAGE, 'utf8');
  const [head, , tail] = page.split(/<!-- counts -->\n/);
  const counted = table(stores.map((store) => ran.get(store)!));
  const fresh = `${head}<!-- counts -->\n${counted}\n\n<!-- counts -->\n${tail}`;
  if (process.env.LOCKSTEP_UPDATE === '1') writeFileSync(PAGE, fresh);
  else assert.equal(page, fresh, 'run it with LOCKSTEP_UPDATE=1 after all suites have passed (test:deep)');
});
