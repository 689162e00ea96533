/**
 * Member: one of the two programs that go on using objects whose memory is damaged. The leader
 * makes the objects of a seed, its partner opens them, the leader damages some words, and both call
 * what there is.
 *
 * It writes a line a seed, and one for each call that ended in another way than it may.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Condition } from 'lockstep';
import { Random } from '../soak/random.ts';
import { callsFor } from './calls.ts';
import { MAKERS, openAll, type Thing } from './company.ts';
import { flip } from './flips.ts';

/** The leader's message to its partner. */
interface Order {
  readonly seed: number;
  readonly handles: readonly string[];
  readonly done?: boolean;
}

const LEADER = 0;
const PARTNER = 1;
/** Calls of each of the two for a seed. */
const CALLS = 10;
/** Bytes of memory above which something was believed that should not have been. */
const MOST_MEMORY = 1.5e9;

const [role, from = '0', to = '0', until = 'Infinity'] = process.argv.slice(2);
let seed = Number(from);
let flips: string[] = [];

function say(line: object): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function fail(call: string, error: unknown): void {
  const shown = error instanceof Error ? `${error.stack}` : String(error);
  say({ failure: { seed, role, flips, call, error: shown } });
}

/** Whether the error is one that a caller can tell apart. */
function isCoded(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_LOCKSTEP_');
}

async function attempt<Result>(what: string, act: () => Result): Promise<Awaited<Result> | undefined> {
  if (process.env.LOCKSTEP_DAMAGE_TELL !== undefined) say({ role, what });
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

async function lead(): Promise<void> {
  const partner = fork(fileURLToPath(import.meta.url), ['partner'], { stdio: ['ignore', 1, 2, 'ipc'] });
  const ask = async (order: Order): Promise<void> => {
    const answer = once(partner, 'message');
    partner.send(order);
    await answer;
  };
  const last = Number(to);
  for (; seed < last && Date.now() < Number(until); seed++) {
    say({ seed });
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
    if (openedBefore) await ask({ seed, handles });
    const folders = [...new Set(handles.map(folderOf))];
    const damages = random.percent(70) ? 1 : 2 + random.below(4);
    for (let n = 0; n < damages; n++) {
      // Most of them in the namespace of the seed, and not in the one of its own that the program
      // goes on with.
      flips.push(flip(folders[random.percent(90) ? 0 : folders.length - 1]!, random));
    }
    if (process.env.LOCKSTEP_DAMAGE_TELL !== undefined) say({ flips });
    if (!openedBefore) await ask({ seed, handles });
    const answer = ask({ seed, handles: [], done: true });
    await use(things, random);
    await answer;
  }
  say({ ran: seed - Number(from) });
  const gone = once(partner, 'exit');
  partner.disconnect();
  const [code, signal] = await gone;
  if (code !== 0) fail('the end of the partner', `${code} ${signal}`);
}

function follow(): void {
  let things: Thing[] = [];
  process.on('message', (order: Order) => {
    void (async () => {
      seed = order.seed;
      if (order.done === true) await use(things, new Random(seed, PARTNER));
      else {
        things = [];
        for (const handle of order.handles) {
          const opened = await attempt(`open ${handle}`, () => openAll([handle]));
          if (opened !== undefined) things.push(...opened);
        }
      }
      process.send?.('done');
    })();
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => fail(event, error));

if (role === 'partner') follow();
else await lead();
