/**
 * Startup: the properties that a process gets at its start, and how an older spare takes on those
 * of a process that is started now.
 *
 * A spare takes over only where nothing can tell it from a cold start. A spare changes the
 * settings that a running process can change: environment, arguments, working directory, umask.
 * Settings that it can't change are in the key, and where the keys differ the spare is given up:
 *
 *   the executable and its options     Node has read them
 *   users, groups, capabilities, seccomp, processors, nice value
 *                                      a spare of root's must never serve a program that has
 *                                      dropped its rights
 *   standard input, output, error      by device and inode: another file may have taken the number
 *   variables that Node, V8, OpenSSL, the C library or Lockstep read at the start
 *   all variables, arguments, folder   where modules were loaded that may have looked at them
 *                                      (--require, --import, --loader, --env-file, `preload`)
 *
 * Not compared: limits of resources (ulimit, prlimit) and the control group. Nothing in Node
 * changes them.
 */

import { accessSync, constants } from 'node:fs';
import { getPriority } from 'node:os';
import { platform } from '../../platform/current.ts';
import { statsOfOpen } from '../../platform/file-stats.ts';
import { currentFolder } from '../identity.ts';
import { optionsForProcess } from '../node-options.ts';
import { doesSomethingAtExit } from './ending.ts';
import type { Takeover } from './takeover.ts';

/** A process as it would be born at some moment. */
export interface Startup {
  /** Settings that a spare can't change. */
  readonly key: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly folder: string;
  readonly umask: number;
}

/** Variables that are read when a process starts, and not again. */
const READ_AT_START =
  /^(NODE|UV|LD|MALLOC|GLIBC|SSL|OPENSSL|ICU|LC|LOCKSTEP)_|^(LANG|LANGUAGE|LOCPATH|TZDIR|FORCE_COLOR|NO_COLOR|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES|GCONV_PATH)$|^(https?|no|all)_proxy$/i;

/** Options by which the program's own modules, or files of variables, are read at the start. */
const LOADING =
  /(^|\s)(-r|--(require|import|loader|experimental-loader|env-file|env-file-if-exists|experimental-config-file|experimental-default-config-file|snapshot-blob))(=|\s|$)/;

/** Lines of the thread's status that a child inherits and can't change. */
const INHERITED =
  /^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed):/;

const STANDARD_DESCRIPTORS = [0, 1, 2];

/**
 * The settings that a process would be born with now. `undefined` where no spare may be used:
 * under coverage, a profiler, a debugger or the permission model, in a folder that is gone, or
 * without /proc.
 *
 * @param preloads whether modules of the program's are loaded ahead
 */
export function startupNow(preloads: boolean): Startup | undefined {
  const { permission } = process as { permission?: unknown };
  if (permission !== undefined || process.env.NODE_V8_COVERAGE || doesSomethingAtExit()) return undefined;
  // Read what a running process can take over.
  const folder = currentFolder();
  const status = platform.threadStatus();
  if (folder === undefined || status === undefined) return undefined;
  const env = { ...process.env } as Record<string, string>;
  const args = process.argv.slice(2);
  const options = optionsForProcess();
  const isSeen = preloads || LOADING.test(`${options.join(' ')} ${env.NODE_OPTIONS ?? ''}`);
  const names = Object.keys(env).sort();
  // The key holds what a running process can not change.
  const key = JSON.stringify([
    process.execPath,
    options,
    status.filter((line) => INHERITED.test(line)),
    getPriority(),
    STANDARD_DESCRIPTORS.map(identityOf),
    (isSeen ? names : names.filter((name) => READ_AT_START.test(name))).map((name) => [name, env[name]]),
    isSeen ? [args, folder] : null,
  ]);
  return { key, env, args, folder, umask: umaskIn(status) };
}

/**
 * The changes by which a process that was born as `then` becomes as one that is born as `now`;
 * `undefined` where it can't.
 */
export function takeoverFor(then: Startup, now: Startup): Takeover | undefined {
  if (then.key !== now.key) return undefined;
  try {
    accessSync(now.folder, constants.X_OK);
  } catch {
    // This process is still in it, but no other can enter it.
    return undefined;
  }
  const { args, folder, umask } = now;
  const set = Object.fromEntries(Object.entries(now.env).filter(([name, value]) => then.env[name] !== value));
  const unset = Object.keys(then.env).filter((name) => !Object.hasOwn(now.env, name));
  return { set, unset, args, folder, umask };
}

function umaskIn(status: readonly string[]): number {
  const line = status.find((each) => each.startsWith('Umask:'));
  // Kernels before 4.7 don't report it.
  return line === undefined ? process.umask() : Number.parseInt(line.slice('Umask:'.length), 8);
}

/** Which file has that descriptor. */
function identityOf(fd: number): string {
  try {
    const { dev, ino } = statsOfOpen(fd);
    return `${dev}:${ino}`;
  } catch {
    return 'closed';
  }
}
