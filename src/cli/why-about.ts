/** `lockstep why ABOUT`: the chains of waits that begin at one process, thread or object. */

import { membersOf } from '../inspect/asking.ts';
import { explainChain } from '../inspect/chain-text.ts';
import { memberFor } from '../inspect/child-waits.ts';
import type { ChildWait, Finding, Member, ObjectRef, OpenWait, PoolWait } from '../inspect/finding-types.ts';
import { chainOf, findStuck } from '../inspect/findings.ts';
import type {
  AgentSnapshot,
  ChildSnapshot,
  NamespaceSnapshot,
  ObjectSnapshot,
  Snapshot,
} from '../inspect/types.ts';
import { flatten } from '../inspect/waits-behind.ts';
import { explain } from '../inspect/why-text.ts';
import { FINE, STUCK, UNREADABLE } from './exit-codes.ts';
import type { LookOptions } from './looks.ts';
import { writeJson } from './looks.ts';
import { paintFor } from './terminal.ts';
import { stacksOf, stacksText } from './why-stacks.ts';

interface AboutOptions extends LookOptions {
  readonly stacks?: boolean | undefined;
  readonly over?: number | undefined;
}

/** Tells what keeps that process, thread or object; returns the exit code. */
export async function whyAbout(about: string, snapshot: Snapshot, options: AboutOptions): Promise<number> {
  const agents = /^\d+$/.test(about) ? agentsOf(snapshot, Number(about)) : [];
  const named = agents.length > 0 ? [] : objectsCalled(snapshot, about);
  const chosen = agents.length + named.length > 0 ? agents : agentsCalled(snapshot, about);
  if (named.length > 0) return whyObjects(named, snapshot, options);
  const unseen = childrenCalled(snapshot, about);
  if (chosen.length === 0 && unseen.length > 0) return whyChildren(unseen, snapshot, options);
  if (chosen.length === 0) {
    process.stderr.write(
      `lockstep: no process, thread or object of Lockstep's is called ${JSON.stringify(about)}; lockstep ps and lockstep ls show what there is\n`,
    );
    return UNREADABLE;
  }
  // A thread has an agent in each namespace: that which waits tells most.
  const waiting = chosen.filter(({ waits, blocked }) => waits.length > 0 || blocked?.joins);
  const chains = distinct(waiting.length > 0 ? waiting : chosen).map((agent) => chainOf(snapshot, agent));
  const pids = new Set(chains.flat().map(({ pid }) => pid));
  const concerns = (members: readonly Member[]): boolean => members.some(({ pid }) => pids.has(pid));
  const found = findStuck(snapshot, { least: options.over ?? 0 });
  const findings = found.findings.filter((each) =>
    concerns(membersOf({ findings: [each], open: [], pools: [], children: [] })),
  );
  const open = found.open.filter((each) =>
    concerns(membersOf({ findings: [], open: [each], pools: [], children: [] })),
  );
  const pools = found.pools.filter(
    ({ owner, tasks, starting }) =>
      pids.has(owner.pid) || [...tasks.map(({ by }) => by), ...starting].some(({ pid }) => pids.has(pid)),
  );
  const children = found.children.filter(
    ({ by, children: awaited }) => pids.has(by.pid) || awaited.some(({ pid }) => pids.has(pid)),
  );
  return write({ chains, findings, open, pools, children }, snapshot, options);
}

/** Children that have touched no shared object: nothing keeps those, but others may await them. */
function whyChildren(
  unseen: readonly ChildSnapshot[],
  snapshot: Snapshot,
  options: AboutOptions,
): Promise<number> {
  const pids = new Set(unseen.map(({ pid }) => pid));
  const children = findStuck(snapshot, { least: options.over ?? 0 }).children.filter(
    ({ children: awaited }) => awaited.some(({ pid }) => pids.has(pid)),
  );
  const chains = unseen.map((child) => [memberFor(child)]);
  return Promise.resolve(write({ chains, findings: [], open: [], pools: [], children }, snapshot, options));
}

function childrenCalled({ namespaces }: Snapshot, about: string): ChildSnapshot[] {
  return namespaces
    .flatMap(({ children }) => children)
    .filter(({ pid, name }) => String(pid) === about || name === about);
}

interface Found {
  readonly object: ObjectSnapshot;
  readonly namespace: NamespaceSnapshot;
}

/** The objects as `show` shows them, then the chain of the first who waits, and the findings. */
async function whyObjects(
  named: readonly Found[],
  snapshot: Snapshot,
  options: AboutOptions,
): Promise<number> {
  // Columns as wide as they look take tables of Unicode, which nothing else here needs.
  const { factsOf, textOf } = await import('./show.ts');
  const found = findStuck(snapshot, { least: options.over ?? 0 });
  const chains = named.flatMap(({ object, namespace }) => {
    const first = namespace.agents.find(({ waits }) =>
      waits.some(({ cell, place }) => cell === object.cell && place === 1),
    );
    return first === undefined ? [] : [chainOf(snapshot, first, { from: object.cell })];
  });
  const findings = found.findings.filter((finding) => named.some((each) => concerns(finding, each)));
  const open = found.open.filter((wait) => named.some((each) => isAbout(wait, each)));
  const pools = found.pools.filter(({ pool }) => named.some((each) => isRefTo(pool, each)));
  if (options.json !== true) process.stdout.write(`${textOf(named)}${chains.length > 0 ? '\n' : ''}`);
  const facts = options.json === true ? { objects: factsOf(named) } : {};
  return write({ chains, findings, open, pools, children: [] }, snapshot, options, facts);
}

interface About {
  readonly chains: readonly (readonly Member[])[];
  readonly findings: readonly Finding[];
  readonly open: readonly OpenWait[];
  readonly pools: readonly PoolWait[];
  readonly children: readonly ChildWait[];
}

function write(
  { chains, findings, open, pools, children }: About,
  snapshot: Snapshot,
  options: AboutOptions,
  facts: object = {},
): number {
  const members = [...chains.flat(), ...membersOf({ findings, open, pools, children })];
  const stacks = options.stacks === true ? stacksOf(snapshot, members) : {};
  if (options.json === true)
    writeJson({ taken: snapshot.taken, ...facts, chains, findings, open, pools, children, ...stacks });
  else {
    const paint = paintFor(process.stdout);
    process.stdout.write(chains.map((chain) => explainChain(chain, paint)).join('\n'));
    if (findings.length + open.length + pools.length + children.length > 0)
      process.stdout.write(
        `\n${explain({ findings, open, pools, children, work: {}, brief: 0, unwanted: 0 }, { paint, least: 0, all: true })}`,
      );
    process.stdout.write(stacksText(stacks, paint));
  }
  return findings.length > 0 ? STUCK : FINE;
}

/** Whether somebody waits for the object in the finding, or a waiting thread of it holds it. */
function concerns(finding: Finding, found: Found): boolean {
  const isIt = (ref: ObjectRef | null): boolean => ref !== null && isRefTo(ref, found);
  if (finding.kind === 'nobody' && isIt(finding.object)) return true;
  const behind = flatten(finding.kind === 'nobody' ? finding.waiters : finding.behind);
  const members = behind.map(({ member }) => member);
  if (finding.kind === 'deadlock') members.push(...finding.members);
  return (
    behind.some(({ object }) => isIt(object)) ||
    members.some(({ waitsFor, holds }) => isIt(waitsFor) || holds.some(isIt))
  );
}

function isAbout({ object, waiters }: OpenWait, found: Found): boolean {
  return (
    isRefTo(object, found) || waiters.some(({ member }) => member.holds.some((held) => isRefTo(held, found)))
  );
}

function isRefTo({ folder, cell }: ObjectRef, { object, namespace }: Found): boolean {
  return folder === namespace.folder && cell === object.cell;
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
export function objectsCalled({ namespaces }: Snapshot, name: string): Found[] {
  return namespaces.flatMap((namespace) =>
    namespace.objects
      .filter(
        ({ name: own, label, title, cell }) =>
          own === name || label === name || title === name || `#${cell}` === name,
      )
      .map((object) => ({ object, namespace })),
  );
}
