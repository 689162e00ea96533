/**
 * Node options: a child starts with the options that its parent was started with, and from the
 * folder that its parent was started in.
 *
 * Options name files (`--env-file`, `--import`, `--require` …) and packages relative to the working
 * directory, which the program may have changed since. So a process starts where its parent did,
 * and only then goes where its parent is. The threads of a process share one working directory, so
 * what their options name is made absolute instead.
 */

import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { currentFolder, firstFolder } from './identity.ts';

/** Options of Node that a module to load first comes with. */
const REQUIRES = /^(-r|--require)$/;
const IMPORTS = /^(--import|--loader|--experimental-loader)$/;

/** Characters of options that a message shows. */
const SHOWN = 300;

/**
 * Where a child process starts, and where it has to go then: `undefined` for where this process is.
 */
export function foldersForProcess(): { start: string | undefined; next: string | undefined } {
  const here = currentFolder();
  if (!hasMoved(here) || !isReachable(firstFolder!)) return { start: undefined, next: undefined };
  return { start: firstFolder, next: here };
}

/** The options that this Node was started with, but for those that make no sense for a child. */
export function optionsForProcess(): string[] {
  const kept: string[] = [];
  const given = process.execArgv;
  for (let n = 0; n < given.length; n++) {
    const option = given[n]!;
    // A program given on the command line would be run again instead of the target.
    if (/^(-e|--eval|-p|--print|-pe|--input-type)$/.test(option)) n++;
    else if (
      !/^(--eval=|--print=|--input-type=|-i$|--interactive$|-c$|--check$)/.test(option) &&
      !isTool(option)
    )
      kept.push(option);
  }
  return kept;
}

/** The options that a child's Node is given, for messages. */
export function optionsShown(): string {
  const all = [...optionsForProcess(), process.env.NODE_OPTIONS ?? ''].join(' ').trim();
  return all.length <= SHOWN ? all : `${all.slice(0, SHOWN)}…`;
}

/** The options that a thread needs; `undefined`: the options that Node passes by itself. */
export interface ThreadNodeOptions {
  readonly execArgv: string[];
  readonly nodeOptions: string | undefined;
}

/**
 * Options for a thread. Node runs those modules in each thread once more that are to be loaded
 * first.
 */
export function optionsForThread(): ThreadNodeOptions | undefined {
  if (!hasMoved(currentFolder())) return undefined;
  const given = optionsForProcess();
  const inherited = splitOptions(process.env.NODE_OPTIONS ?? '');
  const execArgv = absolute(given);
  const nodeOptions = absolute(inherited);
  if (same(execArgv, given) && same(nodeOptions, inherited)) return undefined;
  return { execArgv, nodeOptions: inherited.length === 0 ? undefined : nodeOptions.map(quoted).join(' ') };
}

/** Whether this process has left the folder from which it started, and anything depends on that. */
function hasMoved(here: string | undefined): boolean {
  if (here === undefined || firstFolder === undefined || here === firstFolder) return false;
  return process.execArgv.length > 0 || Object.keys(process.env).some((key) => /^(NODE|SSL)_/.test(key));
}

function isReachable(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    // Removed, or out of reach for another user: then the child starts where its parent is.
    return false;
  }
}

/**
 * The debugger's port is taken; the test runner and the watcher would run instead of the target.
 */
function isTool(option: string): boolean {
  return /^--(inspect(-brk|-wait)?(=.*)?|test|watch)$/.test(option);
}

/** The options with absolute names of the modules that are to be loaded first. */
function absolute(options: readonly string[]): string[] {
  const changed: string[] = [];
  for (let n = 0; n < options.length; n++) {
    const [, option = '', value] = /^(-r|--[\w-]+)(?:=(.*))?$/s.exec(options[n]!) ?? [];
    const isRequire = REQUIRES.test(option);
    if (!isRequire && !IMPORTS.test(option)) {
      changed.push(options[n]!);
      continue;
    }
    // The value stands behind "=", or is the next option.
    const found = located(value ?? options[++n] ?? '', isRequire);
    if (value === undefined) changed.push(option, found);
    else changed.push(`${option}=${found}`);
  }
  return changed;
}

/** Where the module is, seen from the first folder. */
function located(name: string, isRequire: boolean): string {
  if (/^(\/|[a-z]+:)/.test(name)) return name;
  const at = resolve(firstFolder!, name);
  if (!isRequire && /^\.\.?\//.test(name)) return pathToFileURL(at).href;
  try {
    const found = createRequire(`${firstFolder}/options`).resolve(name);
    return isRequire || !found.startsWith('/') ? found : pathToFileURL(found).href;
  } catch {
    // Node reports the error in the thread.
    return name;
  }
}

/** The options in NODE_OPTIONS, as Node splits them. */
function splitOptions(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|[^ "])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1')),
  );
}

function quoted(option: string): string {
  return /[ "\\]/.test(option) ? `"${option.replace(/["\\]/g, '\\$&')}"` : option;
}

function same(some: readonly string[], others: readonly string[]): boolean {
  return some.every((each, n) => each === others[n]);
}
