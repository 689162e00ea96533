/**
 * Members: two programs that go on using objects whose memory is damaged. The leader makes the
 * objects of a seed, its partner opens them, the leader damages some words, and both call what
 * there is. They report each call that ended in another way than it may.
 */

import { writeSync } from 'node:fs';
import { Condition } from 'lockstep';
import { Random } from '../soak/random.ts';
import { Crew } from '../support/members/crew.ts';
import { Member } from '../support/members/member.ts';
import type { Address } from '../support/members/run.ts';
import { outcomeOf, serve } from '../support/members/serving.ts';
import { callsFor } from './calls.ts';
import { MAKERS, openAll, type Thing } from './company.ts';
import { flip } from './flips.ts';

export interface Failure {
  readonly seed: number;
  readonly call: string;
  readonly error: string;
}

type Role = 'leader' | 'partner';

const LEADER = 0;
const PARTNER = 1;
/** Calls of each of the two for a seed. */
const CALLS = 10;
/** Bytes of memory above which something was believed that should not have been. */
const MOST_MEMORY = 1.5e9;
/** Whether each call is told before it is made. */
const TELLS = process.env.LOCKSTEP_DAMAGE_TELL !== undefined;

let role: Role = 'leader';
let seed = 0;
let flips: string[] = [];
/** Since the last report. */
const failures: object[] = [];

function tell(line: object): void {
  if (TELLS) writeSync(2, `${JSON.stringify(line)}\n`);
}

function fail(call: string, error: unknown): void {
  const shown = error instanceof Error ? `${error.stack}` : String(error);
  const failure = { seed, role, flips, call, error: shown };
  failures.push(failure);
  tell(failure);
}

/** Whether the error is one that a caller can tell apart. */
function isCoded(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_LOCKSTEP_');
}

async function attempt<Result>(what: string, act: () => Result): Promise<Awaited<Result> | undefined> {
  tell({ role, what });
  try {
    return await act();
  } catch (error) {
    if (!isCoded(error)) fail(what, error);
    return undefined;
  }
}

/** Calls that may continue until their object is closed. */
const lateCalls: Promise<unknown>[] = [];

function late(call: Promise<unknown>): void {
  lateCalls.push(attempt('late', () => call));
}

async function use(things: Thing[], random: Random): Promise<void> {
  for (let n = 0; n < CALLS && things.length > 0; n++) {
    const call = random.pick(callsFor(random.pick(things), things, random, late));
    await attempt(String(call), call);
  }
  for (const thing of things) await attempt('close', () => thing.close());
  // Its lock is an object of its own, which the other may be waiting for.
  for (const thing of things)
    if (thing instanceof Condition) await attempt('close', () => thing.lock.close());
  for (const thing of things) await attempt('dispose', () => thing[Symbol.dispose]());
  await Promise.all(lateCalls.splice(0));
  const { rss } = process.memoryUsage();
  if (rss > MOST_MEMORY) fail('memory', `${rss} bytes`);
}

/** The folder that a handle names. */
function folderOf(handle: string): string {
  return new URLSearchParams(handle.slice(handle.indexOf('?') + 1)).get('in') ?? '';
}

/** Carries out its orders and reports the failures. Not even uncaught errors end it. */
async function take(
  part: Role,
  address: Address,
  orders: Record<string, (...args: never[]) => unknown>,
): Promise<void> {
  role = part;
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => fail(event, error));
  await serve(address, ({ operation, args }) =>
    outcomeOf(async () => {
      await Reflect.apply(orders[operation]!, undefined, args as never[]);
      return failures.splice(0);
    }),
  );
}

export async function leads(address: Address): Promise<void> {
  const crew = new Crew(Member);
  const partner = await crew.startProgram(import.meta.url, follows.name);
  const ask = async (operation: string, ...args: unknown[]): Promise<void> => {
    failures.push(...((await partner.order(operation, seed, ...args)) as object[]));
  };
  await take('leader', address, {
    async play(next: number) {
      seed = next;
      const random = new Random(seed, LEADER);
      flips = [];
      const things: Thing[] = [];
      for (const make of MAKERS) {
        const made = await attempt('make', () => make(`d${seed}`));
        if (made !== undefined) things.push(...[made].flat());
      }
      for (let n = 0; n < 4; n++)
        await attempt('before', random.pick(callsFor(random.pick(things), things, random, late)));
      const handles = things.filter(({ closed }) => !closed).map(({ handle }) => handle);
      const openedBefore = random.percent(60);
      if (openedBefore) await ask('open', handles);
      const folders = [...new Set(handles.map(folderOf))];
      const damages = random.percent(70) ? 1 : 2 + random.below(4);
      for (let n = 0; n < damages; n++) {
        // Most of them in the namespace of the seed, and not in the one of its own that the program
        // goes on with.
        flips.push(flip(folders[random.percent(90) ? 0 : folders.length - 1]!, random));
      }
      tell({ flips });
      if (!openedBefore) await ask('open', handles);
      const used = ask('use');
      await use(things, random);
      await used;
    },
    async end() {
      const how = await partner.leave();
      if (how !== 'exit code 0') fail('the end of the partner', how);
    },
  });
  await partner.kill();
  crew.close();
}

export async function follows(address: Address): Promise<void> {
  let things: Thing[] = [];
  await take('partner', address, {
    async open(next: number, handles: string[]) {
      seed = next;
      things = [];
      for (const handle of handles) {
        const opened = await attempt(`open ${handle}`, () => openAll([handle]));
        if (opened !== undefined) things.push(...opened);
      }
    },
    use: () => use(things, new Random(seed, PARTNER)),
  });
}
