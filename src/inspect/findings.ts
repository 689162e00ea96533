/**
 * Findings: what keeps threads waiting, as data: cycles, waits that no thread can end, and threads
 * that others wait behind.
 */

import { circlesOf, mark } from './stuck.ts';
import type { Task } from './tasks.ts';
import { readTask } from './tasks.ts';
import type { Thread } from './threads.ts';
import { World } from './threads.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot, Snapshot, WaitSnapshot } from './types.ts';

/** A shared object, as findings name it. */
export interface ObjectRef {
  readonly folder: string;
  readonly cell: number;
  readonly title: string;
  readonly kind: string;
}

/** A thread, as findings name it. */
export interface Member {
  readonly folder: string;
  readonly namespace: string | null;
  readonly slot: number;
  readonly pid: number;
  readonly threadId: number;
  readonly tid: number;
  readonly name: string;
  readonly program: string;
  /**
   * `blocked`, `awaits` (that alone), `busy`, `idle` (in its event loop), `stopped` (by SIGSTOP),
   * `dead` (and not yet cleared up), `alive` where more is not known.
   */
  readonly state: 'blocked' | 'awaits' | 'busy' | 'idle' | 'stopped' | 'dead' | 'alive';
  readonly holds: readonly ObjectRef[];
  readonly waitsFor: ObjectRef | null;
  /**
   * The objects that it awaits while its event loop may do other things. Any of those could end the
   * wait, so the thread does not count as waiting.
   */
  readonly alsoAwaits: readonly ObjectRef[];
  /** The process or thread whose end it waits for. */
  readonly joins: { readonly pid: number; readonly threadId: number } | null;
  /** Milliseconds for which it has waited; `null` where it does not, or that is not known. */
  readonly lasted: number | null;
  /** Whether its wait may end by itself. */
  readonly timed: boolean;
}

/** Somebody who waits behind somebody else. */
export interface Branch {
  readonly member: Member;
  readonly object: ObjectRef | null;
  readonly calls: number;
  readonly lasted: number;
  readonly blocking: boolean;
  readonly timed: boolean;
  readonly behind: readonly Branch[];
}

export interface Deadlock {
  readonly kind: 'deadlock';
  /** Whether nobody could ever end it, not even by releasing a lock for its holder. */
  readonly certain: boolean;
  readonly members: readonly Member[];
  /** Its locks that were made with `deadlock: 'ignore'`. */
  readonly ignored: readonly ObjectRef[];
  readonly behind: readonly Branch[];
  readonly lasted: number;
}

export interface NobodyLeft {
  readonly kind: 'nobody';
  readonly object: ObjectRef;
  /** The act that would end the waits, as in "nobody is left who could …". */
  readonly ending: string;
  readonly named: boolean;
  readonly waiters: readonly Branch[];
  /** Others who have it open, and are stuck elsewhere. */
  readonly others: readonly Member[];
  readonly lasted: number;
}

export interface Keeper {
  readonly kind: 'keeper';
  readonly by: Member;
  readonly behind: readonly Branch[];
  readonly calls: number;
  readonly lasted: number;
}

export type Finding = Deadlock | NobodyLeft | Keeper;

/** Calls that wait for something that a thread may still bring. */
export interface OpenWait {
  readonly object: ObjectRef;
  /** The act that would end the waits, as in "could …". */
  readonly ending: string;
  readonly named: boolean;
  readonly waiters: readonly Branch[];
  /** Whether the waiting threads hold it themselves: other code of theirs can release it. */
  readonly heldByItself: boolean;
  /** The living threads that have the object open and do not wait for it. */
  readonly openIn: readonly Member[];
  readonly calls: number;
  readonly lasted: number;
}

export interface Findings {
  readonly findings: readonly Finding[];
  /** Waits of `least` milliseconds or more that a thread may still end, the longest first. */
  readonly open: readonly OpenWait[];
  /** Calls that wait for what a thread may still bring, by the title of the object. */
  readonly work: Readonly<Record<string, number>>;
  /** Held objects that nobody waits for. */
  readonly unwanted: number;
}

export interface FindingOptions {
  /**
   * Milliseconds: keepers that keep nobody waiting for longer are left out. A stuck
   * thread is always reported.
   */
  readonly least?: number | undefined;
  /** Reads from the system how a thread is. */
  readonly look?: ((agent: AgentSnapshot) => Task | undefined) | undefined;
}

/** Milliseconds after which a wait is worth reporting. */
export const LEAST = 1000;

export function findStuck(snapshot: Snapshot, options: FindingOptions = {}): Findings {
  return new Finder(snapshot, options).findAll();
}

/** The chain that begins at one thread: what it waits for, the holder of that, and so on. */
export function chainOf(snapshot: Snapshot, agent: AgentSnapshot, options: FindingOptions = {}): Member[] {
  return new Finder(snapshot, options).chain(agent);
}

interface HeldWait {
  readonly thread: Thread;
  readonly namespace: NamespaceSnapshot;
  readonly agent: AgentSnapshot;
  readonly wait: WaitSnapshot;
  readonly object: ObjectSnapshot | undefined;
}

class Finder {
  private readonly world: World;
  private readonly snapshot: Snapshot;
  private readonly least: number;
  private readonly look: (agent: AgentSnapshot) => Task | undefined;
  private readonly members = new Map<Thread, Member>();
  /** The waits for something that the thread holds, or for its end. */
  private readonly waitsBehind = new Map<Thread, HeldWait[]>();

  constructor(snapshot: Snapshot, { least = LEAST, look }: FindingOptions) {
    this.snapshot = snapshot;
    this.world = new World(snapshot);
    this.least = least;
    this.look = look ?? (({ pid, tid }) => readTask(pid, tid));
    this.collect();
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
    for (const thread of this.waitsBehind.keys()) {
      if (inCircle.has(thread) || this.isBehind(thread)) continue;
      const keeper = this.keeper(thread);
      // A wait behind a stuck thread is reported with that thread.
      if (keeper.lasted < this.least || told.has(idOf(keeper.by))) continue;
      if (keeper.behind.length > 0) findings.push(keeper);
    }
    const rank = { deadlock: 0, nobody: 1, keeper: 2 };
    findings.sort((a, b) => rank[a.kind] - rank[b.kind] || callsOf(b) - callsOf(a) || b.lasted - a.lasted);
    const open = this.openWaits(findings);
    const work: Record<string, number> = {};
    for (const { object, calls } of open) work[object.title] = (work[object.title] ?? 0) + calls;
    return {
      findings,
      open: open.filter(({ lasted }) => lasted >= this.least),
      work,
      unwanted: this.unwanted(),
    };
  }

  chain(agent: AgentSnapshot): Member[] {
    const members: Member[] = [];
    let thread: Thread | undefined = this.world.threadOf(agent);
    const seen = new Set<Thread>();
    while (thread !== undefined && !seen.has(thread)) {
      seen.add(thread);
      members.push(this.member(thread));
      thread = this.heldBy(thread)[0];
    }
    // A circle ends with the thread that it began with.
    if (thread !== undefined) members.push(this.member(thread));
    return members;
  }

  private collect(): void {
    for (const namespace of this.snapshot.namespaces) {
      for (const agent of namespace.agents) {
        const thread = this.world.threadOf(agent);
        if (thread.life === 'dead') continue;
        for (const wait of agent.waits) {
          const object = this.world.objectIn(namespace, wait.cell);
          if (object === undefined || object.endedBy === 'anybody' || object.over === true) continue;
          const { candidates } = this.world.chance(thread, namespace, object, wait);
          for (const holder of candidates) this.note(holder, { thread, namespace, agent, wait, object });
        }
      }
    }
    for (const thread of this.world.threads) {
      for (const { namespace, agent } of thread.seats) {
        const { blocked } = agent;
        if (thread.life === 'dead' || !blocked?.joins) continue;
        const wait = {
          cell: 0,
          calls: 1,
          blocking: true,
          timed: blocked.timed,
          lasted: blocked.lasted ?? 0,
          place: 1,
        };
        for (const { object, candidates } of this.world.chancesOf(thread)) {
          if (object !== undefined) continue;
          for (const child of candidates) this.note(child, { thread, namespace, agent, wait, object });
        }
        break;
      }
    }
  }

  private note(holder: Thread, wait: HeldWait): void {
    const waits = this.waitsBehind.get(holder) ?? [];
    // A thread has an agent in each of its namespaces; its join is one wait.
    if (!waits.some((each) => each.thread === wait.thread && each.object === wait.object)) waits.push(wait);
    this.waitsBehind.set(holder, waits);
  }

  /** Those who hold what the thread is wholly about, or whose end it waits for. */
  private heldBy(thread: Thread): Thread[] {
    if (!thread.waits || thread.life === 'dead') return [];
    return this.world
      .chancesOf(thread)
      .filter(({ object }) => object === undefined || (object.endedBy !== 'anybody' && object.over !== true))
      .flatMap(({ candidates }) => candidates);
  }

  /** Whether the thread itself waits behind another, under which it is reported. */
  private isBehind(thread: Thread): boolean {
    return this.heldBy(thread).length > 0;
  }

  private deadlock(threads: Thread[], certain: ReadonlySet<Thread>): Deadlock {
    const members = threads.map((thread) => this.member(thread));
    const ignored = new Map<string, ObjectRef>();
    for (const thread of threads) {
      for (const { namespace, object } of this.world.chancesOf(thread))
        if (object?.signal === 'allowed') ignored.set(object.title, refTo(namespace, object));
    }
    const seen = new Set(threads);
    const behind = threads.flatMap((thread) => this.branches(thread, seen));
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
      const waiters = waits.map((each) => this.branch(each, seen));
      return {
        kind: 'nobody',
        object: refTo(namespace, object),
        ending: endingOf(object),
        named: object.name !== null,
        waiters,
        others: [...new Set(others)].map((thread) => this.member(thread)),
        lasted: Math.max(...waiters.map(({ lasted }) => lasted)),
      };
    });
  }

  private keeper(thread: Thread): Keeper {
    const behind = this.branches(thread, new Set([thread]));
    const all = flatten(behind);
    return {
      kind: 'keeper',
      by: this.member(thread),
      behind,
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      lasted: Math.max(0, ...all.map(({ lasted }) => lasted)),
    };
  }

  /** The waits behind the thread, but for those that were reported already. */
  private branches(thread: Thread, told: Set<Thread>): Branch[] {
    const waits = (this.waitsBehind.get(thread) ?? []).filter((each) => !told.has(each.thread));
    for (const each of waits) told.add(each.thread);
    return waits.map((each) => this.branch(each, told)).sort((a, b) => b.lasted - a.lasted);
  }

  private branch({ thread, namespace, wait, object }: HeldWait, told: Set<Thread>): Branch {
    return {
      member: this.member(thread),
      object: object === undefined ? null : refTo(namespace, object),
      calls: wait.calls,
      lasted: wait.lasted,
      blocking: wait.blocking,
      timed: wait.timed,
      behind: this.branches(thread, told),
    };
  }

  private member(thread: Thread): Member {
    const known = this.members.get(thread);
    if (known !== undefined) return known;
    const waiting = thread.seats.find(
      ({ agent }) => agent.blocked?.cell || (agent.blocked === null && agent.alone !== null),
    );
    const joining = thread.seats.find(({ agent }) => agent.blocked?.joins);
    const { namespace, agent } = waiting ?? joining ?? thread.seats[0]!;
    const cell =
      agent.blocked?.cell ??
      (agent.blocked === null ? agent.alone : null) ??
      agent.waits.find(({ blocking }) => blocking)?.cell;
    const object = cell === null || cell === undefined ? undefined : this.world.objectIn(namespace, cell);
    const wait = agent.waits.find((each) => each.cell === cell);
    const member: Member = {
      folder: namespace.folder,
      namespace: namespace.name,
      slot: agent.slot,
      pid: agent.pid,
      threadId: agent.threadId,
      tid: agent.tid,
      name: agent.name,
      program: programOf(agent),
      state: this.stateOf(thread, agent),
      holds: this.holdings(thread),
      waitsFor: object === undefined || !thread.waits ? null : refTo(namespace, object),
      alsoAwaits: thread.waits ? [] : this.awaited(thread),
      joins: agent.blocked?.joins ?? null,
      lasted: thread.waits ? (wait?.lasted ?? agent.blocked?.lasted ?? null) : null,
      timed: wait?.timed ?? agent.blocked?.timed ?? false,
    };
    this.members.set(thread, member);
    return member;
  }

  private awaited(thread: Thread): ObjectRef[] {
    return thread.seats.flatMap(({ namespace, agent }) =>
      agent.waits.flatMap(({ cell, blocking }) => {
        const object = blocking ? undefined : this.world.objectIn(namespace, cell);
        return object === undefined ? [] : [refTo(namespace, object)];
      }),
    );
  }

  private stateOf(thread: Thread, agent: AgentSnapshot): Member['state'] {
    if (thread.life === 'dead') return 'dead';
    const task = this.look(agent);
    if (task?.state === 'T' || task?.state === 't') return 'stopped';
    if (agent.blocked !== null) return 'blocked';
    if (agent.alone !== null) return 'awaits';
    if (task === undefined) return 'alive';
    if (task.state === 'R') return 'busy';
    return /epoll|ep_poll/.test(task.sleepsIn) || task.state === 'S' ? 'idle' : 'alive';
  }

  private holdings(thread: Thread): ObjectRef[] {
    return thread.seats.flatMap(({ namespace, agent }) =>
      namespace.objects
        .filter(({ holders }) => holders.some(({ slot }) => slot === agent.slot))
        .map((object) => refTo(namespace, object)),
    );
  }

  /** Waits of living threads for what a thread may bring, other than those of the findings. */
  private openWaits(findings: readonly Finding[]): OpenWait[] {
    const told = new Set(
      findings.flatMap((finding) =>
        finding.kind === 'nobody'
          ? finding.waiters.map(({ member }) => `${idOf(member)} ${finding.object.cell}`)
          : [],
      ),
    );
    const open: OpenWait[] = [];
    for (const namespace of this.snapshot.namespaces) {
      const byCell = new Map<number, HeldWait[]>();
      for (const agent of namespace.agents) {
        const thread = this.world.threadOf(agent);
        if (thread.life === 'dead') continue;
        for (const wait of agent.waits) {
          const object = this.world.objectIn(namespace, wait.cell);
          const isTold = told.has(`${namespace.folder} ${agent.slot} ${wait.cell}`);
          if (object === undefined || isTold) continue;
          if (object.endedBy !== 'anybody' && !isHeldByItself(thread, agent, object)) continue;
          const waits = byCell.get(wait.cell) ?? [];
          waits.push({ thread, namespace, agent, wait, object });
          byCell.set(wait.cell, waits);
        }
      }
      for (const waits of byCell.values()) open.push(this.openWait(namespace, waits[0]!.object!, waits));
    }
    return open.sort((a, b) => b.lasted - a.lasted);
  }

  private openWait(namespace: NamespaceSnapshot, object: ObjectSnapshot, waits: HeldWait[]): OpenWait {
    const waiting = new Set(waits.map(({ thread }) => thread));
    const others = new Set(
      object.openIn
        .map((slot) => this.world.threadIn(namespace, slot))
        .filter(
          (thread): thread is Thread =>
            thread !== undefined && !waiting.has(thread) && thread.life !== 'dead',
        ),
    );
    const waiters = waits.map((each) => this.branch(each, new Set(waiting)));
    return {
      object: refTo(namespace, object),
      ending: endingOf(object),
      named: object.name !== null,
      heldByItself: object.endedBy !== 'anybody',
      waiters: waiters.sort((a, b) => b.lasted - a.lasted),
      openIn: [...others].map((thread) => this.member(thread)),
      calls: waiters.reduce((sum, { calls }) => sum + calls, 0),
      lasted: Math.max(...waiters.map(({ lasted }) => lasted)),
    };
  }

  private unwanted(): number {
    return this.snapshot.namespaces
      .flatMap(({ objects }) => objects)
      .filter(({ holders, waiting }) => holders.length > 0 && waiting === 0).length;
  }
}

const ENDINGS: Readonly<Record<string, string>> = {
  Event: 'set',
  Latch: 'count down',
  Barrier: 'come to',
  Condition: 'notify',
  Semaphore: 'release',
  Lock: 'release',
  RLock: 'release',
  RWLock: 'release',
  BoundedSemaphore: 'release',
  Connection: 'close',
  QueueProducer: 'end',
};

/** Whether the event loop awaits what its own thread holds, and may do other things meanwhile. */
function isHeldByItself(thread: Thread, { slot }: AgentSnapshot, { holders, over }: ObjectSnapshot): boolean {
  const own = holders.length > 0 && holders.every((each) => each.slot === slot);
  return own && !thread.waits && over !== true;
}

function endingOf({ kind, part }: ObjectSnapshot): string {
  if (part?.role === 'room') return 'take something from';
  if (part?.role === 'join') return 'report the items done of';
  return ENDINGS[kind] ?? 'put something into';
}

function callsOf(finding: Finding): number {
  if (finding.kind === 'keeper') return finding.calls;
  return finding.kind === 'deadlock' ? finding.members.length : finding.waiters.length;
}

/** The branches with all that are behind them. */
export function flatten(branches: readonly Branch[]): Branch[] {
  return branches.flatMap((branch) => [branch, ...flatten(branch.behind)]);
}

function idOf({ folder, slot }: Member): string {
  return `${folder} ${slot}`;
}

function refTo({ folder }: NamespaceSnapshot, { cell, title, kind }: ObjectSnapshot): ObjectRef {
  return { folder, cell, title, kind };
}

/** The name of the agent's program: the file of its script. */
export function programOf({ script, target }: Pick<AgentSnapshot, 'script' | 'target'>): string {
  const file = script.slice(script.lastIndexOf('/') + 1);
  return target === '' || target === 'default' ? file : `${file} ${target}`;
}
