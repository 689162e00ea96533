/** Obtaining: the cell of a shared object, found by its name or made. */

import { inspect } from 'node:util';
import type { Cell, Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { kindNumbered } from '../agents/kinds.ts';
import { agentInNamespace, defaultAgent } from '../agents/membership.ts';
import { reapDeadOpeners } from '../agents/reaper.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError, NameTakenError, NotFoundError } from '../errors.ts';
import type { Place } from '../memory/place.ts';
import type { NamedCell } from '../namespaces/names.ts';
import { checkName, lookUp, register, withNames } from '../namespaces/names.ts';
import { namedFolder } from '../namespaces/paths.ts';
import { checkOptions } from '../options.ts';
import { giveLabel, labelFrom } from './labels.ts';
import { noteNameless } from './module-level.ts';
import { Opened } from './opened.ts';
import type { SharedObject } from './shared-object.ts';

const DEFAULT_NAMESPACE = 'default';
const EXAMPLE = '{ name: "…" }';

/** The cell for a constructor call: found by its name, or made. */
export function obtain(
  type: Kind,
  options: ObjectOptions | undefined,
  init: (place: Place, agent: Host) => void,
): Opened {
  checkOptions(type.name, options, type.name, EXAMPLE);
  // Only an omitted name has a default: null is refused, because it is not a string.
  const { name, namespace = DEFAULT_NAMESPACE } = options ?? {};
  if (name !== undefined) checkName(name);
  const label = labelFrom(type.name, options ?? {});
  const anonymous = name === undefined && options?.namespace === undefined;
  return obtainIn(anonymous ? defaultAgent() : agentInNamespace(namespace), type, name, label, init);
}

/** The same for an object that belongs to another, in whose namespace it has to be. */
export function obtainBeside(
  other: SharedObject,
  type: Kind,
  options: ObjectOptions | undefined,
  init: (place: Place, agent: Host) => void,
): Opened {
  checkOptions(type.name, options, type.name, EXAMPLE);
  const { agent } = other.cell;
  const { name, namespace } = options ?? {};
  if (namespace !== undefined && namedFolder(namespace) !== agent.folder) {
    throw new InvalidTypeError(
      `${type.name}: refused, namespace ${inspect(namespace)} is not that of its lock; leave the namespace out`,
    );
  }
  return obtainIn(agent, type, name, labelFrom(type.name, options ?? {}), init);
}

/** The same in the namespace of a certain agent. */
function obtainIn(
  agent: Host,
  type: Kind,
  name: string | undefined,
  label: string | undefined,
  init: (place: Place, agent: Host) => void,
): Opened {
  const make = (): Cell => agent.create(type, (place) => init(place, agent));
  if (name === undefined) {
    const cell = make();
    if (label !== undefined) giveLabel(cell, label);
    return noteNameless(new Opened(cell, undefined));
  }
  checkName(name);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined && found.kind !== type.number) throw nameTaken(type, name, found.kind, agent);
    const opened = found && agent.open(type, found.cell, found.generation);
    if (opened !== undefined) return opened;
    const made = make();
    giveName(made, name);
    return made;
  });
  return new Opened(cell, name);
}

/**
 * The cell that the name stands for, if a living agent has it open. Dead agents count as users
 * until they are reaped, and without waiters no agent looks for them. Then the next user would get
 * their leftovers instead of a fresh object: a plain semaphore without its permits, say.
 */
function lookUpLive(agent: Host, name: string): NamedCell | undefined {
  const { namespace } = agent;
  const found = lookUp(namespace, name);
  if (found === undefined || agent.cells.has(found.cell)) return found;
  reapDeadOpeners(agent, namespace.arena.place(found.cell));
  return lookUp(namespace, name);
}

/**
 * Makes an object of a name that is new in the namespace; where `opens`, one that is there is
 * opened. `made` is called when the name leads to a new one, while no one else can look it up.
 * Throws `NameTakenError`.
 */
export function obtainNew(
  type: Kind,
  name: string,
  namespace: string = DEFAULT_NAMESPACE,
  init: (place: Place, agent: Host) => void,
  made: (cell: Cell) => void,
  opens = false,
): Opened {
  checkName(name);
  const agent = agentInNamespace(namespace);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined && !(opens && found.kind === type.number)) {
      throw nameTaken(type, name, found.kind, agent);
    }
    const opened = found && agent.open(type, found.cell, found.generation);
    if (opened !== undefined) return opened;
    const fresh = agent.create(type, (place) => init(place, agent));
    giveName(fresh, name);
    made(fresh);
    return fresh;
  });
  return new Opened(cell, name);
}

/**
 * Opens the object of that name. Throws `NotFoundError`, or `NameTakenError` if it is of another
 * kind.
 */
export function obtainExisting(type: Kind, name: string, namespace: string = DEFAULT_NAMESPACE): Opened {
  checkName(name);
  const agent = agentInNamespace(namespace);
  const cell = withNames(agent.namespace, () => {
    const found = lookUpLive(agent, name);
    if (found !== undefined && found.kind !== type.number) throw nameTaken(type, name, found.kind, agent);
    return found && agent.open(type, found.cell, found.generation);
  });
  if (cell !== undefined) return new Opened(cell, name);
  throw new NotFoundError(
    `${type.name} ${JSON.stringify(name)}: can't be opened, nothing of that name is in ${agent.folder}; ` +
      'check the name and the namespace, or make it first',
  );
}

/** Makes the name stand for a new cell; closes the cell again if that fails. */
function giveName(cell: Cell, name: string): void {
  const { agent, number, generation } = cell;
  try {
    register(agent.namespace, name, number, generation);
  } catch (error) {
    agent.closeCell(cell);
    throw error;
  }
}

function nameTaken({ name: kind }: Kind, name: string, found: number, agent: Host): NameTakenError {
  const other = kindNumbered(found)?.name ?? 'foreign object';
  return new NameTakenError(
    `${kind} ${JSON.stringify(name)}: refused, the name stands for a ${other} in ${agent.folder}; ` +
      `${other === kind ? 'open that one, or ' : ''}choose another name or namespace`,
  );
}
