/**
 * Findings: the reasons why threads wait, as data: cycles, waits that no thread can end, and
 * threads that others wait behind.
 */

import { childWaits } from './child-waits.ts';
import type {
  Deadlock,
  Finding,
  FindingOptions,
  Findings,
  Keeper,
  Member,
  NobodyLeft,
  ObjectRef,
} from './finding-types.ts';
import { idOf, isAwaitedBy, Members, refTo } from './members.ts';
import type { Scene } from './open-waits.ts';
import { endingOf, openWaits } from './open-waits.ts';
import { poolWaits } from './pool-waits.ts';
import { circlesOf, mark } from './stuck.ts';
import { readParent, readTask } from './tasks.ts';
import type { Thread } from './threads.ts';
import { World } from './threads.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot, Snapshot } from './types.ts';
import type { HeldWait } from './waits-behind.ts';
import { flatten, WaitsBehind } from './waits-behind.ts';

/** Milliseconds after which a wait is worth reporting. */
export const LEAST = 1000;

export function findStuck(snapshot: Snapshot, options: FindingOptions = {}): Findings {
  return new Finder(snapshot, options).findAll();
}

/** The chain that begins at one thread: its object, the holder of that object, and so on. */
export function chainOf(
  snapshot: Snapshot,
  agent: AgentSnapshot,
  { from, ...options }: ChainOptions = {},
): Member[] {
  return new Finder(snapshot, options).chain(agent, from);
}

interface ChainOptions extends FindingOptions {
  /** The cell of the object with which the chain begins, where its thread awaits several. */
  readonly from?: number;
}

class Finder implements Scene {
  readonly snapshot: Snapshot;
  readonly world: World;
  readonly members: Members;
  readonly behind: WaitsBehind;
  private readonly least: number;

  constructor(snapshot: Snapshot, { least = LEAST, look }: FindingOptions) {
    this.snapshot = snapshot;
    this.world = new World(snapshot);
    this.members = new Members(this.world, look ?? (({ pid, tid }) => readTask(pid, tid)));
    this.behind = new WaitsBehind(snapshot, this.world, this.members);
    this.least = least;
  }

  findAll(): Findings {
    const marking = mark(this.world);
    const circles = circlesOf(marking);
    const inCircle = new Set(circles.flat());
    const findings: Finding[] = circles.map((threads) => this.deadlock(threads, marking.certain));
    findings.push(...this.nobodyLeft(marking.certain));
    const told = new Set(
      findings
        .flatMap((finding) => (finding.kind === 'nobody' ? finding.waiters : []))
        .map(({ member }) => idOf(member)),
    );
    // A call that waits behind several threads is one call.
    const brief = new Map<string, number>();
    for (const thread of this.behind.holders) {
      if (inCircle.has(thread) || this.behind.isBehind(thread)) continue;
      const keeper = this.keeper(thread);
      // Leave out a child for which only awaiting calls of `join` wait: it is at work.
      if (keeper.behind.every(({ object, blocking }) => object === null && !blocking)) continue;
      // A wait behind a stuck thread is reported with that thread.
      if (told.has(idOf(keeper.by))) continue;
      if (keeper.lasted < this.least) {
        for (const { member, object, calls } of flatten(keeper.behind))
          brief.set(`${idOf(member)} ${object?.cell}`, calls);
      } else findings.push(keeper);
    }
    const rank = { deadlock: 0, nobody: 1, keeper: 2 };
    findings.sort((a, b) => rank[a.kind] - rank[b.kind] || callsOf(b) - callsOf(a) || b.lasted - a.lasted);
    const all = openWaits(this, findings);
    const pools = poolWaits(this, this.least);
    const open = all.filter(({ lasted }) => lasted >= this.least);
    const briefly = all.filter(({ lasted }) => lasted < this.least).map(({ calls }) => calls);
    const work: Record<string, number> = {};
    for (const { object, calls } of open) work[object.title] = (work[object.title] ?? 0) + calls;
    return {
      findings,
      open,
      pools,
      children: childWaits(this, this.least),
      work,
      brief: [...brief.values(), ...briefly].reduce((sum, calls) => sum + calls, 0),
      unwanted: this.unwanted(),
    };
  }

  chain(agent: AgentSnapshot, from?: number): Member[] {
    const members: Member[] = [];
    let thread: Thread | undefined = this.world.threadOf(agent);
    const seen = new Set<Thread>();
    while (thread !== undefined && !seen.has(thread)) {
      seen.add(thread);
      members.push(this.members.of(thread));
      thread =
        this.behind.heldBy(thread)[0] ??
        this.behind.awaitedFrom(thread, seen.size === 1 ? from : undefined)[0];
    }
    // A circle ends with the thread that it began with.
    if (thread !== undefined) members.push(this.members.of(thread));
    return members;
  }

  private deadlock(threads: Thread[], certain: ReadonlySet<Thread>): Deadlock {
    const members = threads.map((thread) => this.members.of(thread));
    const ignored = new Map<string, ObjectRef>();
    for (const thread of threads) {
      for (const { namespace, object } of this.world.chancesOf(thread))
        if (object?.signal === 'allowed') ignored.set(object.title, refTo(namespace, object));
    }
    const seen = new Set(threads);
    const behind = threads.flatMap((thread) => this.behind.branches(thread, seen));
    const lasted = Math.min(...members.map((member) => member.lasted ?? 0));
    const isCertain = threads.every((thread) => certain.has(thread));
    return { kind: 'deadlock', certain: isCertain, members, ignored: [...ignored.values()], behind, lasted };
  }

  /** Awaited objects that no thread can make available. */
  private nobodyLeft(stuck: ReadonlySet<Thread>): NobodyLeft[] {
    const byObject = new Map<
      string,
      { namespace: NamespaceSnapshot; object: ObjectSnapshot; waits: HeldWait[] }
    >();
    for (const thread of stuck) {
      for (const { namespace, object, wait } of this.world.chancesOf(thread)) {
        if (object?.endedBy !== 'anybody' || wait === undefined) continue;
        const key = `${namespace.folder} ${object.cell}`;
        const entry = byObject.get(key) ?? { namespace, object, waits: [] };
        const agent = thread.seats.find((seat) => seat.namespace === namespace)!.agent;
        entry.waits.push({ thread, namespace, agent, wait, object });
        byObject.set(key, entry);
      }
    }
    return [...byObject.values()].map(({ namespace, object, waits }) => {
      const seen = new Set(waits.map(({ thread }) => thread));
      const others = object.openIn
        .map((slot) => this.world.threadIn(namespace, slot))
        .filter((thread) => thread !== undefined && !seen.has(thread) && thread.life !== 'dead') as Thread[];
      const waiters = waits.map((each) => this.behind.branch(each, seen));
      return {
        kind: 'nobody',
        object: refTo(namespace, object),
        ending: endingOf(object),
        named: object.name !== null,
        state: object.state,
        waiters,
        others: [...new Set(others)].map((thread) => this.members.of(thread)),
        lasted: Math.max(...waiters.map(({ lasted }) => lasted)),
      };
    });
  }

  private keeper(thread: Thread): Keeper {
    const behind = this.behind.branches(thread, new Set([thread]));
    const all = flatten(behind);
    const by = this.members.of(thread);
    return {
      kind: 'keeper',
      by,
      behind,
      children: all
        .filter(
          ({ member, timed }) =>
            !timed && member.work === null && isChildOf(member, by) && !isAwaitedBy(member, by),
        )
        .map(({ member }) => member),
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      lasted: Math.max(0, ...all.map(({ lasted }) => lasted)),
    };
  }

  private unwanted(): number {
    return this.snapshot.namespaces
      .flatMap(({ objects }) => objects)
      .filter(({ holders, waiting }) => holders.length > 0 && waiting === 0).length;
  }
}

/** Whether the one may be a child of the other: a process for certain, a thread by its number. */
function isChildOf({ pid, threadId }: Member, by: Member): boolean {
  if (pid === by.pid) return threadId > by.threadId;
  return threadId === 0 && readParent(pid) === by.pid;
}

function callsOf(finding: Finding): number {
  if (finding.kind === 'keeper') return finding.calls;
  return finding.kind === 'deadlock' ? finding.members.length : finding.waiters.length;
}
