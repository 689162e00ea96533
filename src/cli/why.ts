/** `lockstep why`: names the threads that keep others waiting. */

import { timeOfDay } from '#clock';
import type { ThreadStacks } from '../inspect/asking.ts';
import { askForStacks, membersOf } from '../inspect/asking.ts';
import { explainChain } from '../inspect/chain-text.ts';
import type { Finding, Member } from '../inspect/finding-types.ts';
import { chainOf, findStuck } from '../inspect/findings.ts';
import type { PastDeadlock } from '../inspect/last-deadlocks.ts';
import { explainPast, lastDeadlocks } from '../inspect/last-deadlocks.ts';
import { explainStacks } from '../inspect/stacks-text.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot, Snapshot } from '../inspect/types.ts';
import { explain } from '../inspect/why-text.ts';
import type { Paint } from '../inspect/words.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { isMissing, look, problemLines, writeJson } from './looks.ts';
import { paintFor } from './terminal.ts';

export interface WhyOptions extends LookOptions {
  readonly all?: boolean | undefined;
  readonly stacks?: boolean | undefined;
  readonly last?: boolean | undefined;
}

/** Milliseconds after which a wait for a thread that can act is reported. */
const LEAST = 1000;

/** Prints which threads keep which others waiting; returns the exit code. */
export async function why(about: string | undefined, options: WhyOptions): Promise<number> {
  if (options.last === true) return whyLast(about, options);
  const snapshot = look(options);
  if (isMissing(options, snapshot)) return UNREADABLE;
  const least = options.all === true ? 0 : LEAST;
  if (about !== undefined) return whyAbout(about, snapshot, options);
  const found = findStuck(snapshot, { least });
  // Where nothing is stuck, show waits that a thread may still end, and ask those threads for
  // stacks.
  const open = options.all === true || found.findings.length === 0 ? found.open : [];
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

async function whyAbout(about: string, snapshot: Snapshot, options: WhyOptions): Promise<number> {
  const agents = /^\d+$/.test(about) ? agentsOf(snapshot, Number(about)) : [];
  const named = agents.length > 0 ? [] : objectsCalled(snapshot, about);
  const called = named.length > 0 ? [] : agentsCalled(snapshot, about);
  const found = findStuck(snapshot, { least: 0 });
  if (named.length > 0) {
    // Columns by displayed width need tables of Unicode, which nothing else here loads.
    const { showObjects } = await import('./show.ts');
    showObjects(named, snapshot, options.json === true);
    return named.some(({ object }) => found.findings.some((finding) => concerns(finding, object)))
      ? STUCK
      : FINE;
  }
  const chosen = [...agents, ...called];
  if (chosen.length === 0) {
    process.stderr.write(
      `lockstep: no process, thread or object of Lockstep's is called ${JSON.stringify(about)}; lockstep ps and lockstep ls show what there is\n`,
    );
    return UNREADABLE;
  }
  // A thread has an agent in each namespace: show the one that waits.
  const waiting = chosen.filter(({ waits, blocked }) => waits.length > 0 || blocked?.joins);
  const chains = distinct(waiting.length > 0 ? waiting : chosen).map((agent) => chainOf(snapshot, agent));
  const pids = new Set(chains.flat().map(({ pid }) => pid));
  const findings = found.findings.filter((finding) => pidsOf(finding).some((pid) => pids.has(pid)));
  const open = found.open.filter(
    ({ waiters, openIn }) =>
      waiters.some(({ member }) => pids.has(member.pid)) || openIn.some(({ pid }) => pids.has(pid)),
  );
  const members = [...chains.flat(), ...membersOf({ findings, open })];
  const stacks = options.stacks === true ? stacksOf(snapshot, members) : {};
  if (options.json === true) writeJson({ taken: snapshot.taken, chains, findings, open, ...stacks });
  else {
    const paint = paintFor(process.stdout);
    process.stdout.write(chains.map((chain) => explainChain(chain, paint)).join('\n'));
    if (findings.length + open.length > 0)
      process.stdout.write(
        `\n${explain({ findings, open, work: {}, unwanted: 0 }, { paint, least: 0, all: true })}`,
      );
    process.stdout.write(stacksText(stacks, paint));
  }
  return findings.length > 0 ? STUCK : FINE;
}

/** The answers of the threads that were asked for their stacks. */
interface Asked {
  readonly stacks?: readonly ThreadStacks[];
}

function stacksOf(snapshot: Snapshot, members: readonly Member[]): Asked {
  return { stacks: askForStacks(snapshot, members) };
}

function stacksText({ stacks }: Asked, paint: Paint): string {
  if (stacks === undefined) return '';
  return stacks.length === 0 ? '\nNobody to ask for a stack.\n' : `\n${explainStacks(stacks, paint)}`;
}

function pidsOf(finding: Finding): number[] {
  if (finding.kind === 'deadlock') return finding.members.map(({ pid }) => pid);
  if (finding.kind === 'nobody') return finding.waiters.map(({ member }) => member.pid);
  return [finding.by.pid];
}

function concerns(finding: Finding, { cell }: ObjectSnapshot): boolean {
  if (finding.kind === 'nobody') return finding.object.cell === cell;
  if (finding.kind === 'deadlock') return finding.members.some(({ waitsFor }) => waitsFor?.cell === cell);
  return finding.behind.some(({ object }) => object?.cell === cell);
}

function agentsOf({ namespaces }: Snapshot, pid: number): AgentSnapshot[] {
  return namespaces.flatMap(({ agents }) => agents.filter((agent) => agent.pid === pid));
}

function agentsCalled({ namespaces }: Snapshot, name: string): AgentSnapshot[] {
  return namespaces.flatMap(({ agents }) => agents.filter((agent) => agent.name === name));
}

function distinct(agents: readonly AgentSnapshot[]): AgentSnapshot[] {
  const seen = new Set<string>();
  return agents.filter(
    ({ pid, threadId }) => !seen.has(`${pid} ${threadId}`) && seen.add(`${pid} ${threadId}`),
  );
}

/** The objects of that name, label, title or number. */
export function objectsCalled(
  { namespaces }: Snapshot,
  name: string,
): { object: ObjectSnapshot; namespace: NamespaceSnapshot }[] {
  return namespaces.flatMap((namespace) =>
    namespace.objects
      .filter(
        ({ name: own, label, title, cell }) =>
          own === name || label === name || title === name || `#${cell}` === name,
      )
      .map((object) => ({ object, namespace })),
  );
}
