/**
 * Locks that stay, in a network that fails: see stays/chaos.ts. The mistakes that are planted in
 * objects/stays.ts are all found.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Calls } from '../../src/cluster/calls.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import type { ClusterHold, Standing } from '../../src/cluster/objects/cluster-hold.ts';
import { Stays } from '../../src/cluster/objects/stays.ts';
import { Random } from '../soak/random.ts';
import { HANG_MS } from '../support/until.ts';
import { Network } from './stays/chaos.ts';

const deep = process.env.LOCKSTEP_MODEL === 'deep';
const SEEDS = deep ? 40 : 1;
/** Seeds in which a planted mistake has to be found. */
const MOST_SEEDS = 200;
const SECTIONS = 150;
const MEMBERS = 4;
const MOST_IN_A_ROW = 3;
const CODES = ['ERR_LOCKSTEP_LEASE_LOST', 'ERR_LOCKSTEP_STORE'];

interface Seen {
  sections: number;
  /** Sections that followed another of the same connection without asking the server. */
  stays: number;
  /** Holds that were lost inside. */
  lost: number;
}

/** The call at the server under which the section runs. */
function callOf(hold: ClusterHold): string {
  return (hold as unknown as { standing: Standing }).standing.call;
}

/** The resource, and what must be true of those who hold the lock and know it. */
class Watch {
  readonly seen: Seen = { sections: 0, stays: 0, lost: 0 };
  private readonly inside = new Map<ClusterHold, Cluster>();
  private token = 0;
  private last: { cluster: Cluster; call: string; row: number } | undefined;

  enter(cluster: Cluster, hold: ClusterHold): void {
    this.inside.set(hold, cluster);
    if (!hold.valid) return;
    this.check(hold);
    assert.ok(hold.token > this.token, `token ${hold.token} came after ${this.token}`);
    this.token = hold.token;
    this.seen.sections++;
    const stays = this.last?.call === callOf(hold);
    if (stays) this.seen.stays++;
    const row = stays ? this.last!.row + 1 : 1;
    assert.ok(row <= MOST_IN_A_ROW, `${row} sections in a row`);
    this.last = { cluster, call: callOf(hold), row };
  }

  /** A write: the resource accepts it, if its writer believes in its hold. */
  check(hold: ClusterHold): void {
    if (!hold.valid) return;
    assert.ok(hold.token >= this.token, `a write with ${hold.token} was refused after ${this.token}`);
    for (const other of this.inside.keys())
      assert.ok(other === hold || !other.valid, 'two believe that they are inside');
  }

  leave(hold: ClusterHold): void {
    this.inside.delete(hold);
  }
}

/** Members take the lock until so many sections are over; then each gets it once more. */
async function contend(seed: number, staysOf?: (calls: Calls) => Stays, still = false): Promise<Seen> {
  const random = new Random(seed);
  const network = new Network(random, still);
  const watch = new Watch();
  const { seen } = watch;
  network.faults = false;
  const members: Cluster[] = [];
  let over = false;
  while (members.length < MEMBERS) members.push(await network.join(staysOf));
  network.faults = true;
  const section = async (cluster: Cluster): Promise<void> => {
    const lock = cluster.lock('it');
    const hold = await lock.acquire();
    watch.enter(cluster, hold);
    try {
      for (let writes = random.below(3); writes >= 0; writes--) {
        await new Promise((resolve) => setImmediate(resolve));
        watch.check(hold);
      }
      if (random.percent(5)) await sleep(random.below(15));
      watch.check(hold);
    } finally {
      watch.leave(hold);
      await hold.release();
    }
    // Nobody sees a release that has not been sent.
    if (random.percent(5)) assert.notEqual((await lock.describe()).owner, cluster.session, 'not released');
  };
  const attempt = async (cluster: Cluster): Promise<void> => {
    try {
      await section(cluster);
    } catch (error) {
      if (!CODES.includes((error as { code: string }).code)) throw error;
      seen.lost++;
    }
  };
  try {
    const killer = setInterval(() => random.percent(5) && network.cutOff(), 20);
    try {
      await Promise.all(
        members.map(async (cluster) => {
          while (!over && seen.sections < SECTIONS) await attempt(cluster);
        }),
      );
    } finally {
      over = true;
      clearInterval(killer);
    }
    network.faults = false;
    for (const cluster of members) {
      // Someone may have lost a lease just now: it has to get in all the same.
      const hold = await cluster.lock('it').acquire({ timeout: 20_000 });
      assert.ok(hold, 'the lock is not free, and nobody holds it');
      await hold.release();
    }
    return seen;
  } finally {
    network.faults = false;
    await Promise.all(members.map((cluster) => cluster.close()));
  }
}

describe(`locks that stay, in a network that fails, ${SEEDS} ${SEEDS === 1 ? 'seed' : 'seeds'}`, () => {
  for (const still of [false, true])
    it(still ? 'versions one apart' : 'versions by the clock', { timeout: HANG_MS }, async (t) => {
      const sum: Seen = { sections: 0, stays: 0, lost: 0 };
      for (let seed = 1; seed <= SEEDS || sum.stays === 0; seed++) {
        const seen = await contend(seed, undefined, still);
        for (const key of Object.keys(sum) as (keyof Seen)[]) sum[key] += seen[key];
      }
      t.diagnostic(JSON.stringify(sum));
    });
});

/** What a mutant reaches into. */
interface Parts {
  returns: Set<string>;
  staying: Map<string, { standing: Standing; end(): void }>;
  calls: Calls;
}

function partsOf(stays: Stays): Parts {
  return stays as unknown as Parts;
}

describe('planted mistakes are found', { concurrency: 2 }, () => {
  const plant = (
    mistake: string,
    found: RegExp,
    mutant: new (calls: Calls) => Stays,
    still = false,
  ): void => {
    it(mistake, { timeout: HANG_MS }, async () => {
      const search = async (): Promise<void> => {
        for (let seed = 1; seed <= MOST_SEEDS; seed++)
          await contend(seed, (calls) => new mutant(calls), still);
      };
      await assert.rejects(search(), found);
    });
  };

  plant(
    'the sections have one token',
    /token \d+ came after/,
    class extends Stays {
      override take(key: string): Standing | undefined {
        const taken = super.take(key);
        return taken && { ...taken, token: taken.token - 1 };
      }
    },
  );
  plant(
    'the tokens run out',
    /token \d+ came after|was refused/,
    class extends Stays {
      override keep(...[key, machine, standing]: Parameters<Stays['keep']>): boolean {
        if (standing.stay !== undefined && standing.stay.claimed > 0)
          standing.stay.claimed = Number.MAX_SAFE_INTEGER;
        return super.keep(key, machine, standing);
      }
    },
    true,
  );
  plant(
    'it stays for as many sections as come',
    /sections in a row/,
    class extends Stays {
      override keep(...[key, machine, standing]: Parameters<Stays['keep']>): boolean {
        if (standing.stay !== undefined) standing.stay.sections = 1;
        return super.keep(key, machine, standing);
      }
    },
  );
  plant(
    'another call goes before the release',
    /not released/,
    class extends Stays {
      override keep(...[key, machine, standing]: Parameters<Stays['keep']>): boolean {
        const kept = super.keep(key, machine, standing);
        if (kept) partsOf(this).calls.lanes.at(key).giveUp = undefined;
        return kept;
      }
    },
  );
  plant(
    'a lock that stays is taken although its release is under way',
    /two believe|came after|was refused/,
    class extends Stays {
      private readonly gone = new Map<string, Standing>();

      override take(key: string): Standing | undefined {
        const taken = super.take(key) ?? this.gone.get(key);
        this.gone.delete(key);
        return taken;
      }

      override keep(...[key, machine, standing]: Parameters<Stays['keep']>): boolean {
        const kept = super.keep(key, machine, standing);
        if (kept) this.gone.set(key, { ...standing, token: standing.token + 1 });
        return kept;
      }
    },
  );
});
