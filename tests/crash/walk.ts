/**
 * Takes operations through all their points, with real processes:
 *
 *   node --conditions=lockstep-crash walk.js [--points] SUITE [TEXT]
 *
 * walks the operations of the suite whose names contain the text, at the pace that `LOCKSTEP_CRASH`
 * says (pace.ts). Prints one line of JSON for each.
 */

import { Lock } from 'lockstep';
import { objectsBeside } from '../support/internals.ts';
import { inTime } from '../support/until.ts';
import { Crew, type Member, type Relation } from './crew.ts';
import { checkCleared } from './leftovers.ts';
import { NAMESPACE, type Operation } from './operation.ts';
import { paceOf } from './pace.ts';
import { HANG_MS, Scene } from './scene.ts';
import { type SuiteName, suites } from './suites.ts';

/** The outcome of the walk of one operation. */
export interface Walked {
  name: string;
  /** Victims that died, and all was well after; the last one completed the operation. */
  deaths: number;
  /** Points that the operation has, its completion among them. */
  points: number;
  /** Milliseconds from a death to what a survivor could do only after it, at the longest. */
  longest: number;
  failure?: string;
}

/**
 * For a scene as a whole: more than a slow machine needs, and less than its test has for all
 * points.
 */
const SCENE_MS = 120_000;
/** Scenes in which an operation that is bounded by time may end before its points are passed. */
const TOO_SHORT = 10;
/** More points than any operation has. */
const TOO_MANY = 1000;

/** The cast: used for all operations that follow each other, until one fails. */
interface Cast {
  readonly crew: Crew;
  readonly first: Member;
  readonly second: Member;
}

// Keep the two namespaces, and tell what is in them.
const anchors = [new Lock(), new Lock({ namespace: NAMESPACE })];
let cast: Cast | undefined;

async function walk(
  operation: Operation,
  { first: start, step }: { first: number; step: number },
  each: (point: string) => void,
): Promise<Walked> {
  let longest = 0;
  let deaths = 0;
  let short = 0;
  let point = start;
  let where = 'the start';
  try {
    const { crew, first, second } = await castFor(operation.relation);
    for (; ; point += step) {
      const before = anchors.map(objectsBeside);
      const [victim, newcomer] = [await crew.next(), await crew.upcoming()];
      const scene = new Scene(crew, point, 2 ** short, { victim, first, second, newcomer });
      await inTime(operation.play(scene), 'the end of the scene', SCENE_MS).catch(async (error: Error) => {
        const death =
          scene.death && (await inTime(scene.death, 'the victim', HANG_MS).catch(() => undefined));
        where = `${death?.point ?? 'no death'}; still at it: ${await scene.abandon()}`;
        throw error;
      });
      const end = await scene.end();
      where = end.death.point;
      for (const [index, anchor] of anchors.entries())
        await checkCleared(anchor, victim, before[index]!, end.foreign);
      longest = Math.max(longest, end.longest);
      deaths++;
      each(`${point} ${where}`);
      if (end.death.completed) {
        // An operation that is bounded by time may pass fewer points in one run than in another.
        const points = Math.max(end.death.passed, point - step) + 1;
        // Its time was over before it had begun to wait: once more, with twice the time.
        if (points < operation.atLeast && ++short < TOO_SHORT) {
          point -= step;
          continue;
        }
        return { name: operation.name, deaths, points, longest };
      }
      if (point > TOO_MANY) throw new Error('the operation does not come to its end');
    }
  } catch (error) {
    await dismiss();
    const failure = `at point ${point} (${where}): ${(error as Error).stack}`;
    return { name: operation.name, deaths, points: 0, longest, failure };
  }
}

async function castFor(relation: Relation): Promise<Cast> {
  if (cast?.crew.relation !== relation) await dismiss();
  if (cast === undefined) {
    const crew = new Crew(relation);
    const [first, second] = await Promise.all([crew.recruit(), crew.recruit()]);
    cast = { crew, first, second };
  }
  return cast;
}

async function dismiss(): Promise<void> {
  if (cast === undefined) return;
  const { crew, first, second } = cast;
  cast = undefined;
  await Promise.all([first.kill(), second.kill()]);
  await crew.disband();
}

const args = process.argv.slice(2);
const verbose = args[0] === '--points';
const [suite = '', text = ''] = verbose ? args.slice(1) : args;
const pace = paceOf();
for (const [index, operation] of (suites[suite as SuiteName] ?? []).entries()) {
  if (!operation.name.includes(text)) continue;
  const points = { first: pace.first(index), step: pace.step };
  const walked = await walk(operation, points, (point) => verbose && console.log(`  ${point}`));
  console.log(JSON.stringify(walked));
}
await dismiss();
for (const anchor of anchors) anchor.close();
