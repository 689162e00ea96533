/** Paths: where namespaces are, and what their folders are called. */

import { resolve } from 'node:path';
import { platform } from '../platform/current.ts';

const bases = new Map<string, string>();
/** The control segment's file. */
export const CONTROL = 'control';
/** The path of a namespace's folder. */
export const FOLDER_FORM: RegExp = /^\/([^\0]*\/)?lockstep-\d+[.~][^/\0]+$/;
/** The name of a namespace. */
export const NAMESPACE_FORM: RegExp = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/**
 * Where namespaces are. A relative path means what it meant at first, whatever the working
 * directory becomes.
 */
export function base(): string {
  const given = process.env.LOCKSTEP_DIR || platform.sharedFolder();
  let resolved = bases.get(given);
  if (resolved === undefined) {
    resolved = resolve(given);
    bases.set(given, resolved);
  }
  return resolved;
}

/** How the names of this user's folders begin. */
export function prefix(): string {
  return `lockstep-${process.geteuid?.() ?? 0}`;
}
