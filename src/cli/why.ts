/** `lockstep why`: names the threads that keep others waiting. */

import { timeOfDay } from '#clock';

import { membersOf } from '../inspect/asking.ts';
import { findStuck } from '../inspect/findings.ts';

import type { PastDeadlock } from '../inspect/last-deadlocks.ts';

import { explainPast, lastDeadlocks } from '../inspect/last-deadlocks.ts';
import { explain, shownChildren, shownOpen, shownPools } from '../inspect/why-text.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { isMissing, look, problemLines, writeJson } from './looks.ts';
import { paintFor } from './terminal.ts';
import { whyAbout } from './why-about.ts';
import { stacksOf, stacksText } from './why-stacks.ts';

export { objectsCalled } from './why-about.ts';

export interface WhyOptions extends LookOptions {
  readonly all?: boolean | undefined;
  readonly stacks?: boolean | undefined;
  readonly last?: boolean | undefined;
  /** Milliseconds after which a wait is reported. */
  readonly over?: number | undefined;
}

/** Milliseconds after which a wait for a thread that can act is reported, by default. */
const LEAST = 1000;

/** Prints which threads keep which others waiting; returns the exit code. */
export async function why(about: string | undefined, options: WhyOptions): Promise<number> {
  if (options.last === true) return whyLast(about, options);
  const snapshot = look(options);
  if (isMissing(options, snapshot)) return UNREADABLE;
  const least = options.over ?? (options.all === true ? 0 : LEAST);
  if (about !== undefined) return whyAbout(about, snapshot, options);
  const found = findStuck(snapshot, { least });
  // Waits that a thread may still end are shown, and asked about, where nothing is stuck.
  const open = shownOpen(found, options.all);
  const stacks =
    options.stacks === true
      ? stacksOf(
          snapshot,
          membersOf({
            ...found,
            open,
            pools: shownPools(found, options.all),
            children: shownChildren(found, options.all),
          }),
        )
      : {};
  if (options.json === true) writeJson({ taken: snapshot.taken, ...found, ...stacks });
  else {
    const paint = paintFor(process.stdout);
    process.stdout.write(
      problemLines(snapshot, paint) +
        explain(found, { paint, least, all: options.all }) +
        stacksText(stacks, paint),
    );
  }
  if (found.findings.length > 0) return STUCK;
  return snapshot.namespaces.some(({ readable }) => !readable) ? UNREADABLE : FINE;
}

/** Prints the deadlocks that were refused. Nobody is stuck in those. */
function whyLast(about: string | undefined, { namespace, json }: WhyOptions): number {
  const all = lastDeadlocks(namespace);
  const deadlocks = about === undefined ? all : all.filter((each) => tookPart(each, about));
  if (deadlocks.length === 0 && about !== undefined) {
    process.stderr.write(
      `lockstep: no DeadlockError on record has ${JSON.stringify(about)} in it; lockstep why --last shows all\n`,
    );
    return UNREADABLE;
  }
  if (json === true) writeJson({ deadlocks });
  else process.stdout.write(explainPast(deadlocks, timeOfDay(), paintFor(process.stdout)));
  return FINE;
}

/** Whether that process, thread or object was in the deadlock. */
function tookPart({ members }: PastDeadlock, about: string): boolean {
  const endings = [` ${JSON.stringify(about)}`, ` ${about}`, ` (${about})`];
  // `Lock #17 (cache of users)` is found by its number, too.
  const isIt = (title: string): boolean =>
    title === about ||
    endings.some((end) => title.endsWith(end)) ||
    (about.startsWith('#') && title.includes(` ${about} (`));
  return members.some(
    ({ pid, name, holds, waitsFor }) =>
      String(pid) === about || name === about || isIt(holds) || isIt(waitsFor),
  );
}
