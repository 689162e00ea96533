/**
 * Membership: this thread's agents, one in each namespace that the thread has joined. They join on
 * first use, and leave when the process exits.
 */

import { sweepFolders } from '../namespaces/folder-removal.ts';
import { Namespace } from '../namespaces/namespace.ts';
import { anonymousFolder, namedFolder } from '../namespaces/paths.ts';
import { platform } from '../platform/current.ts';
import { isMainThread, threadId } from '../this-thread.ts';
import { about } from './about.ts';
import { Agent } from './agent.ts';
import { KeptRings } from './kept-rings.ts';

const agents = new Map<string, Agent>();
/** This thread's agents, in the order in which they joined. */
const present: Agent[] = [];
/** Called with each agent that joins. */
const joiningActs: ((agent: Agent) => void)[] = [];
let leavesAtExit = false;
let inherited: string | undefined;
let isTarget = false;
let ownTarget: Inheritance['target'] | undefined;
let ownParent: number | undefined;
let ownName: string = isMainThread ? 'MainProcess' : `worker ${threadId}`;
/**
 * The agents in the program's anonymous namespace; another one for each user that the program has
 * run as.
 */
const anonymous = new Map<number, Agent>();

/** The identity of a process or thread that Lockstep has started, from its beginning. */
export interface Inheritance {
  /** The anonymous namespace that it belongs to. */
  readonly folder: string | undefined;
  readonly name: string;
  /** The target that it runs. */
  readonly target: { readonly module: string; readonly export: string };
  /** The process that started this process; missing for a thread. */
  readonly parent?: number | undefined;
}

/** Sets this thread's identity. Called before any agent joins. */
export function inherit({ folder, name, target, parent }: Inheritance): void {
  inherited = folder;
  ownName = name;
  ownTarget = target;
  ownParent = parent;
  isTarget = true;
}

/** Whether this process or thread was started by Lockstep, to run a target. */
export function runsTarget(): boolean {
  return isTarget;
}

/** This thread's agent in its program's anonymous namespace, which is made on first use. */
export function defaultAgent(): Agent {
  const user = process.geteuid?.() ?? 0;
  let agent = anonymous.get(user);
  if (agent === undefined || agent.hasLeft) {
    // A program that has changed its user can't reach the folder that it made or inherited as the
    // first user.
    const given = anonymous.size === 0 || agent !== undefined ? inherited : undefined;
    agent = join(given ?? anonymousFolder(), given === undefined);
    anonymous.set(user, agent);
  }
  return agent;
}

/** This thread's agent in the named namespace, which is made on first use. */
export function agentInNamespace(namespace: string): Agent {
  return join(namedFolder(namespace), true);
}

/** This thread's agent in the namespace of that folder, which must exist. */
export function agentInFolder(folder: string): Agent {
  return join(folder, false);
}

/** Makes the agent this thread's one in its folder. */
export function adopt(agent: Agent): void {
  agents.set(agent.folder, agent);
  present.splice(0, present.length, ...agents.values());
  for (const act of joiningActs) act(agent);
}

/** Calls `act` with each agent of this thread that joins from now on. */
export function onJoining(act: (agent: Agent) => void): void {
  joiningActs.push(act);
}

/** The agent leaves; this thread may join its folder again, as another. */
export function forgetAgent(agent: Agent): void {
  agent.leave();
  agents.delete(agent.folder);
  present.splice(0, present.length, ...agents.values());
}

/** All agents of this thread. */
export function agentsOfThread(): readonly Agent[] {
  return present;
}

function join(folder: string, create: boolean): Agent {
  const known = agents.get(folder);
  if (known !== undefined) return known;
  platform.checkSupported();
  // The first namespace: remove old folders, and leave all at the exit.
  if (agents.size === 0) {
    if (inherited === undefined) sweep();
    if (!leavesAtExit) {
      process.once('exit', leaveAll);
      if (isMainThread) process.prependOnceListener('exit', leaveWhateverHappens);
    }
    leavesAtExit = true;
  }
  // Enter the folder, then take a slot in it.
  const namespace = Namespace.enter(folder, create, (entered) => new KeptRings(entered));
  let agent: Agent;
  try {
    agent = new Agent(namespace, ownName, about(ownTarget, ownParent));
  } catch (error) {
    namespace.leave();
    throw error;
  }
  adopt(agent);
  return agent;
}

function sweep(): void {
  try {
    sweepFolders();
  } catch (error) {
    // Leftovers of another program must not stop this one, but a warning is due.
    process.emitWarning(error as Error);
  }
}

/**
 * An exit listener that calls `process.exit` keeps the later ones from running, `leaveAll` too.
 * The last that Node calls then is `process.reallyExit`.
 */
function leaveWhateverHappens(): void {
  const { reallyExit } = process as unknown as { reallyExit: (code?: number) => never };
  Reflect.set(process, 'reallyExit', (code?: number): never => {
    leaveAll();
    return reallyExit.call(process, code);
  });
}

function leaveAll(): void {
  leavesAtExit = false;
  for (const agent of agents.values()) {
    try {
      agent.leave();
    } catch {
      // The process is ending: nobody could handle the error, and the exit code belongs to the
      // program. The kernel frees the agent's locks, and the next program sweeps the folder.
    }
  }
  agents.clear();
  present.length = 0;
}
