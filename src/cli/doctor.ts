/**
 * `lockstep doctor`: checks that this machine meets Lockstep's needs, and lists leftovers.
 */

import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { now } from '#clock';
import { FolderError } from '../errors.ts';
import { findStuck } from '../inspect/findings.ts';
import { programOf } from '../inspect/members.ts';
import { foldersOfUser, takeSnapshot } from '../inspect/snapshot.ts';
import { tellsAll } from '../inspect/tasks.ts';
import type { Snapshot } from '../inspect/types.ts';
import { count, duration, visible } from '../inspect/words.ts';
import { LAYOUT_VERSION } from '../memory/layout.ts';
import { base } from '../namespaces/paths.ts';
import { VERSION } from '../version.ts';
import { FINE, STUCK } from './exit-codes.ts';
import { shownName, writeJson } from './looks.ts';
import { paintFor } from './terminal.ts';

interface Check {
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly advice?: string;
}

/** Bytes below which a container's default is likely to be too small. */
const SMALL = 128 * 1024 * 1024;
/** Names of leftovers that are shown. */
const LISTED = 5;

export async function doctor({ json }: { json?: boolean }): Promise<number> {
  // Look first: a program that makes a lock removes the folders that no program uses.
  const snapshot = takeSnapshot({ folders: existingFolders() });
  const leftovers = unusedIn(snapshot);
  const checks = [
    system(),
    room(),
    proc(),
    await working(),
    ...namespaces(snapshot),
    ...orphans(snapshot),
    ...left(leftovers),
  ];
  if (json === true) writeJson({ checks });
  else {
    const paint = paintFor(process.stdout);
    for (const { verdict, text, advice } of checks) {
      const mark = verdict === 'ok' ? 'ok  ' : paint.bad(verdict);
      process.stdout.write(`${mark}  ${text}\n${advice === undefined ? '' : `      ${advice}\n`}`);
    }
    const bad = checks.filter(({ verdict }) => verdict !== 'ok').length;
    process.stdout.write(bad === 0 ? 'All is well.\n' : `${bad} of ${checks.length} need attention.\n`);
  }
  return checks.some(({ verdict }) => verdict === 'fail') ? STUCK : FINE;
}

/** This user's namespaces; none if their place can't be read: `room` reports that. */
function existingFolders(): string[] {
  try {
    return foldersOfUser();
  } catch (error) {
    if (error instanceof FolderError) return [];
    throw error;
  }
}

function system(): Check {
  const text = `Linux ${release()}, ${process.arch}, Node ${process.versions.node}, lockstep ${VERSION} (layout ${LAYOUT_VERSION})`;
  return process.platform === 'linux'
    ? { verdict: 'ok', text }
    : {
        verdict: 'fail',
        text: `${process.platform}: only Linux is supported`,
        advice: 'run it in a container',
      };
}

function room(): Check {
  const folder = base();
  try {
    const { blocks, bavail, bsize, type } = statfsSync(folder);
    const size = `${megabytes(blocks * bsize)} MB, ${megabytes(bavail * bsize)} free`;
    const TMPFS = 0x01021994;
    if (type !== TMPFS)
      return {
        verdict: 'warn',
        text: `${folder} is not a tmpfs (${size}): shared memory is written to a disk`,
        advice: 'mount a tmpfs there, or set LOCKSTEP_DIR to a folder on one',
      };
    if (blocks * bsize < SMALL)
      return {
        verdict: 'warn',
        text: `${folder} has ${size}: queues and arrays come out of it`,
        advice: 'docker run --shm-size=1g, or LOCKSTEP_DIR on a larger tmpfs',
      };
    return { verdict: 'ok', text: `${folder}: tmpfs of ${size}` };
  } catch (error) {
    return {
      verdict: 'fail',
      text: `${folder}: ${(error as Error).message}`,
      advice: 'mount a tmpfs at /dev/shm, or set LOCKSTEP_DIR',
    };
  }
}

function proc(): Check {
  return tellsAll()
    ? { verdict: 'ok', text: 'the system tells who lives, and what threads do' }
    : {
        verdict: 'warn',
        text: "the system does not show the holders of file locks, so deaths can't be detected from outside",
        advice: 'mount /proc',
      };
}

/** Takes a lock in a separate namespace, and removes its folder. */
async function working(): Promise<Check> {
  const begin = now();
  try {
    const { Lock } = await import('lockstep');
    const lock = new Lock();
    lock.acquireSync().release();
    lock.close();
    const took = now() - begin;
    return {
      verdict: 'ok',
      text: `mapping, file locks and FIFOs work (a lock was made and taken in ${took.toFixed(0)} ms)`,
    };
  } catch (error) {
    return { verdict: 'fail', text: `a lock can't be made: ${(error as Error).message}` };
  }
}

function namespaces(snapshot: Snapshot): Check[] {
  const checks: Check[] = [];
  for (const namespace of snapshot.namespaces) {
    const { readable, problems, pids, layout } = namespace;
    if (!readable && layout !== null && layout !== LAYOUT_VERSION) {
      const who = pids.length === 0 ? '' : `: pids ${pids.join(', ')}`;
      checks.push({
        verdict: 'fail',
        text: `namespace ${shownName(namespace)} has layout ${layout}${who}`,
        advice: 'restart those programs with this version of Lockstep',
      });
    } else if (problems.length > 0) {
      checks.push({
        verdict: 'fail',
        text: `namespace ${shownName(namespace)}: ${problems.join('; ')}`,
        advice: `end its programs, and remove ${namespace.folder}`,
      });
    }
  }
  for (const finding of findStuck(snapshot).findings) {
    if (finding.kind === 'keeper') {
      const { by, calls, lasted } = finding;
      if (by.state === 'stopped')
        checks.push({
          verdict: 'warn',
          text: `${by.name} (pid ${by.pid}) is stopped, and ${count(calls, 'call')} wait for what it holds`,
          advice: `kill -CONT ${by.pid}`,
        });
      else
        checks.push({
          verdict: 'warn',
          text: `${by.name} (pid ${by.pid}) keeps ${count(calls, 'call')} waiting, for ${duration(lasted)}`,
          advice: 'lockstep why',
        });
    } else {
      const text =
        finding.kind === 'deadlock'
          ? 'there is a deadlock'
          : `nobody is left who could ${finding.ending} ${finding.object.title}`;
      checks.push({ verdict: 'warn', text, advice: 'lockstep why' });
    }
  }
  return checks;
}

/** Child processes that still run after their parents have ended. */
function orphans({ namespaces }: Snapshot): Check[] {
  const agents = namespaces.flatMap((each) => each.agents).filter(({ orphan }) => orphan);
  const pids = [...new Set(agents.map(({ pid }) => pid))];
  if (pids.length === 0) return [];
  const programs = [...new Set(agents.map(programOf))];
  const shown = visible(programs.slice(0, LISTED).join(', '));
  return [
    {
      verdict: 'warn',
      text: `${pids.length === 1 ? 'a child process still runs after its' : `${pids.length} child processes still run after their`} parent has ended (${shown}${programs.length > LISTED ? ', …' : ''})`,
      advice: `kill ${pids.slice(0, 20).join(' ')}; a Process with daemon: true ends with its program`,
    },
  ];
}

interface Leftover {
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
}

/** The namespaces whose programs are all dead. */
function unusedIn({ namespaces }: Snapshot): Leftover[] {
  return namespaces
    .filter(({ readable, agents }) => readable && agents.every(({ life }) => life === 'dead'))
    .map((namespace) => ({
      folder: namespace.folder,
      name: shownName(namespace),
      bytes: bytesIn(namespace.folder),
    }));
}

/** Lists the leftovers: those that the check of the lock has removed, and the others. */
function left(leftovers: readonly Leftover[]): Check[] {
  const stay = leftovers.filter(({ folder }) => existsSync(folder));
  const gone = leftovers.filter((each) => !stay.includes(each));
  const checks: Check[] = [];
  if (gone.length > 0)
    checks.push({
      verdict: 'ok',
      text: `removed ${leftText(gone)}; any program that uses Lockstep removes such leftovers when it starts`,
    });
  if (stay.length > 0) checks.push({ verdict: 'warn', text: leftText(stay), advice: 'lockstep clean' });
  return checks;
}

/** `2 namespaces of programs that have ended (orders, jobs), 0.2 MB`. */
function leftText(leftovers: readonly Leftover[]): string {
  const bytes = leftovers.reduce((sum, each) => sum + each.bytes, 0);
  const names = leftovers.slice(0, LISTED).map(({ name }) => name);
  const more = leftovers.length > LISTED ? ', …' : '';
  return `${count(leftovers.length, 'namespace')} of programs that have ended (${names.join(', ')}${more}), ${megabytes(bytes)} MB`;
}

function bytesIn(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, file) => sum + statSync(`${folder}/${file}`).blocks * 512, 0);
  } catch {
    // Another program has removed it meanwhile.
    return 0;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
