/** `lockstep why`: names the threads that keep others waiting. */

import { timeOfDay } from '#clock';
import { membersOf } from '../inspect/asking.ts';
import { findStuck } from '../inspect/findings.ts';
import { explainPast, lastDeadlocks } from '../inspect/last-deadlocks.ts';
import { explain, shownOpen } from '../inspect/why-text.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { look, problemLines, writeJson } from './looks.ts';
import { paintFor } from './terminal.ts';
import { whyAbout } from './why-about.ts';
import { stacksOf, stacksText } from './why-stacks.ts';

export { objectsCalled } from './why-about.ts';

export interface WhyOptions extends LookOptions {
  readonly all?: boolean | undefined;
  readonly stacks?: boolean | undefined;
  readonly last?: boolean | undefined;
}

/** Milliseconds after which a wait for a thread that can act is reported. */
const LEAST = 1000;

/** Tells what keeps whom waiting; returns the exit code. */
export async function why(about: string | undefined, options: WhyOptions): Promise<number> {
  if (options.last === true) return whyLast(options);
  const snapshot = look(options);
  if (options.namespace !== undefined && snapshot.namespaces.length === 0) {
    process.stderr.write(
      `lockstep: there is no namespace ${JSON.stringify(options.namespace)}; lockstep ls shows those there are\n`,
    );
    return UNREADABLE;
  }
  const least = options.all === true ? 0 : LEAST;
  if (about !== undefined) return whyAbout(about, snapshot, options);
  const found = findStuck(snapshot, { least });
  // Waits that a thread may still end are shown, and asked about, where nothing is stuck.
  const open = shownOpen(found, options.all);
  const stacks = options.stacks === true ? stacksOf(snapshot, membersOf({ ...found, open })) : {};
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

/** Tells of the deadlocks that were refused; that nobody is stuck in them is what is known. */
function whyLast({ namespace, json }: WhyOptions): number {
  const deadlocks = lastDeadlocks(namespace);
  if (json === true) writeJson({ deadlocks });
  else process.stdout.write(explainPast(deadlocks, timeOfDay(), paintFor(process.stdout)));
  return FINE;
}
