/** World: some pieces at once in one namespace, looked at when all of them stand. */

import { userInfo } from 'node:os';
import { Event } from 'lockstep';
import type { Findings, Snapshot } from 'lockstep/inspect';
import { findStuck, takeSnapshot } from 'lockstep/inspect';
import { Random } from '../soak/random.ts';
import { holds } from '../support/until.ts';
import type { Answer, Piece } from './pieces.ts';
import { PIECES, Site } from './pieces.ts';

export interface Looked {
  readonly pieces: readonly string[];
  readonly expected: Required<Answer>;
  readonly found: Required<Answer>;
  readonly findings: Findings;
  readonly snapshot: Snapshot;
}

/** Builds the pieces, looks at them when they stand, and ends them. */
export async function lookAtWorld(
  namespace: string,
  pieces: readonly string[],
  seed: number,
): Promise<Looked> {
  const folder = `${process.env.LOCKSTEP_DIR}/lockstep-${userInfo().uid}.${namespace}`;
  const look = (): Snapshot => takeSnapshot({ folders: [folder] });
  // This program leaves last, so it removes the folder.
  const own = new Event({ namespace });
  const sites: Site[] = [];
  const built: Piece[] = [];
  try {
    for (const [index, name] of pieces.entries()) {
      const site = new Site(namespace, new Random(seed, index), `${name}${index}`);
      sites.push(site);
      const { objects, ...piece } = await PIECES[name]!(site);
      built.push(piece);
      for (const object of objects) object.close();
    }
    let snapshot = look();
    const standing = await holds(() => {
      snapshot = look();
      return built.every((piece) => stands(piece, snapshot));
    });
    if (!standing)
      throw new Error(`seed ${seed}: ${pieces.join(', ')} do not stand: ${JSON.stringify(snapshot)}`);
    const findings = findStuck(snapshot, { least: 0 });
    return { pieces, expected: sum(built), found: answerOf(findings), findings, snapshot };
  } finally {
    await end(sites, look());
    own.close();
  }
}

/**
 * Whether each member is where it will stay. A published wait is not enough. Its thread may have
 * been interrupted on the way to sleep, or may only wait for the lock of the object that it will
 * wait for.
 */
function stands(piece: Piece, { namespaces }: Snapshot): boolean {
  const [namespace] = namespaces;
  if (namespace === undefined) return false;
  const objects = new Map(namespace.objects.map((object) => [object.cell, object]));
  const agentOf = (name: string): (typeof namespace.agents)[number] | undefined =>
    namespace.agents.find((agent) => agent.name === name || agent.name.endsWith(`|${name}`));
  // A part without a name, such as a condition's lock, is only on the way, but for room to put.
  const stays = (cell: number): boolean => {
    const object = objects.get(cell);
    if (object === undefined || !object.steady || object.kept > 0) return false;
    return object.name !== null || object.part?.role === 'room';
  };
  const waits = piece.waiting.every((name) => {
    const agent = agentOf(name);
    if (agent === undefined || !agent.steady || agent.starting) return false;
    const { blocked, ends } = agent;
    if (ends.length > 0) return true;
    // A blocked thread looks around now and then.
    if (blocked !== null && agent.task !== 'S') return false;
    if (blocked?.joins != null) return true;
    // A call that will block its thread has published its wait before the thread is blocked.
    return agent.waits.some(({ cell, blocking }) => {
      const blocks = blocked !== null && (blocked.cell ?? cell) === cell;
      return stays(cell) && blocking === blocks;
    });
  });
  const there = piece.holding.every((name) => {
    const slot = agentOf(name)?.slot;
    if (slot === undefined) return false;
    return namespace.objects.some(({ name, openIn }) => name !== null && openIn.includes(slot));
  });
  const closed = namespace.objects.every(
    ({ name, openIn }) => name === null || !openIn.some((slot) => isMain(namespace, slot)),
  );
  return waits && there && closed && namespace.agents.every(({ life }) => life === 'alive');
}

function isMain({ agents }: Snapshot['namespaces'][number], slot: number): boolean {
  const agent = agents.find((each) => each.slot === slot);
  return agent !== undefined && agent.pid === process.pid && agent.threadId === 0;
}

function sum(pieces: readonly Piece[]): Required<Answer> {
  return sorted({
    circles: pieces.flatMap(({ answer }) => answer.circles ?? []),
    nobody: pieces.flatMap(({ answer }) => answer.nobody ?? []),
    keepers: pieces.flatMap(({ answer }) => answer.keepers ?? []),
  });
}

function answerOf({ findings }: Findings): Required<Answer> {
  const nameIn = (text: string): string => text.slice(text.lastIndexOf('|') + 1);
  return sorted({
    circles: findings.flatMap((finding) =>
      finding.kind === 'deadlock' ? [finding.members.map(({ name }) => nameIn(name))] : [],
    ),
    nobody: findings.flatMap((finding) =>
      finding.kind === 'nobody' ? [/"(.*)"/.exec(finding.object.title)?.[1] ?? finding.object.title] : [],
    ),
    keepers: findings.flatMap((finding) =>
      finding.kind === 'keeper' ? [[nameIn(finding.by.name), finding.calls] as [string, number]] : [],
    ),
  });
}

function sorted({ circles, nobody, keepers }: Required<Answer>): Required<Answer> {
  return {
    circles: circles.map((members) => [...members].sort()).sort(),
    nobody: [...nobody].sort(),
    keepers: [...keepers].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

async function end(sites: readonly Site[], { namespaces }: Snapshot): Promise<void> {
  const pids = new Set(namespaces.flatMap(({ agents }) => agents.map(({ pid }) => pid)));
  pids.delete(process.pid);
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const child of sites.flatMap(({ children }) => children)) {
    child.kill();
    await child.join();
  }
}
