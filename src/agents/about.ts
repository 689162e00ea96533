/** About: an agent's description of its program, for observers outside. */

import { fileURLToPath } from 'node:url';
import { wallTime } from '#clock';
import { AGENT_ABOUT_BYTES } from '../memory/layout.ts';
import { VERSION } from '../version.ts';

/** Contents of `AGENT_ABOUT`, as JSON. */
export interface About {
  /**
   * Path of the program's script, or of the module of its target; a long path is cut to its end,
   * after "…". Empty for code of `node -e` and the like.
   */
  readonly script: string;
  /** Export that a process or thread of Lockstep's runs; empty for others. */
  readonly target: string;
  /** The process that started this one, if Lockstep did so. */
  readonly parent?: number | undefined;
  /** When the agent joined, in milliseconds since 1970. */
  readonly started: number;
  /** Version of its Lockstep. */
  readonly version: string;
}

/**
 * A description of this thread as JSON of at most `AGENT_ABOUT_BYTES` bytes. `runs`: its target;
 * `parent`: the process that started it.
 */
export function about(
  runs: { readonly module: string; readonly export: string } | undefined,
  parent?: number,
): string {
  const script = runs === undefined ? (process.argv[1] ?? '') : pathOf(runs.module);
  const target = runs?.export ?? '';
  const started = Math.round(wallTime());
  for (let left = script.length, most = target.length; ; ) {
    const text = JSON.stringify({
      script: endOf(script, left),
      target: endOf(target, most),
      parent,
      started,
      version: VERSION,
    } satisfies About);
    const excess = Buffer.byteLength(text) - AGENT_ABOUT_BYTES;
    if (excess <= 0) return text;
    // A character has at least one byte, so this cuts at most the length of the mark too much.
    if (left > most) left = Math.max(0, Math.min(left, script.length) - Math.ceil(excess / 6) - 1);
    else most = Math.max(0, Math.min(most, target.length) - Math.ceil(excess / 6) - 1);
  }
}

function pathOf(module: string): string {
  return module.startsWith('file:') ? fileURLToPath(module) : module;
}

/** The last `length` characters of the text. */
function endOf(text: string, length: number): string {
  return length >= text.length ? text : `…${text.slice(text.length - length)}`;
}
