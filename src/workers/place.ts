/**
 * Place: whether a child can be started at all, from where Lockstep's code is and in what it runs.
 * Asked before anything else.
 */

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PlatformError } from '../errors.ts';
import { CODE_FILE } from '../package-root.ts';
import { platform } from '../platform/current.ts';
import type { ChildKind } from './child-state.ts';
import { PROCESS_BOOTSTRAP, THREAD_BOOTSTRAP } from './identity.ts';

interface Permission {
  has(scope: string): boolean;
}

/** Throws `PlatformError` where no child of this kind can be started. */
export function checkPlace(kind: ChildKind, title: string, looksUpFunction: boolean): void {
  checkPermission(kind, title);
  if (looksUpFunction) checkInspector(title);
  checkBundle(kind, title);
  if (kind === 'Process') checkExecutable(title);
}

/**
 * A bundler takes the modules that a program imports, and knows nothing of what a child runs first.
 */
function checkBundle(kind: ChildKind, title: string): void {
  const bootstrap = fileURLToPath(kind === 'Process' ? PROCESS_BOOTSTRAP : THREAD_BOOTSTRAP);
  if (existsSync(bootstrap)) return;
  throw new PlatformError(
    `${title}: can't be started, Lockstep was bundled into ${fileURLToPath(CODE_FILE)} and what a child runs first was not; ` +
      'keep Lockstep external and install it beside the bundle (esbuild: --external:lockstep, Rollup: external: ["lockstep"], ' +
      'webpack: externals: { lockstep: "module lockstep" }), and export the targets from the entry',
  );
}

function checkExecutable(title: string): void {
  const sea = process.getBuiltinModule('node:sea') as { isSea?: () => boolean } | undefined;
  if (sea?.isSea?.() !== true) return;
  if (realpathSync(process.execPath) !== platform.executable()) return;
  throw new PlatformError(
    `${title}: can't be started, process.execPath (${process.execPath}) is not Node but this program as a single executable, ` +
      'so a child would be the program again; use a Thread, or install Node beside it and set process.execPath to that',
  );
}

/** Node's own refusal comes without a word on what to write; a thread's comes as an event. */
function checkPermission(kind: ChildKind, title: string): void {
  const { permission } = process as { permission?: Permission };
  const [scope, option] =
    kind === 'Process' ? ['child', '--allow-child-process'] : ['worker', '--allow-worker'];
  if (permission === undefined || permission.has(scope)) return;
  throw new PlatformError(
    `${title}: can't be started, Node's permission model forbids it; start the program with ${option}`,
  );
}

/**
 * By the inspector's knowledge a function is found again. Node has none where it was built so, and
 * under its permission model.
 */
function checkInspector(title: string): void {
  const { permission } = process as { permission?: Permission };
  const isForbidden = permission !== undefined && !permission.has('inspector');
  if (process.features.inspector && !isForbidden) return;
  throw new PlatformError(
    `${title}: can't be started, ${isForbidden ? "Node's permission model forbids" : 'this Node lacks'} the inspector, ` +
      'without which no function is found again; pass { module: import.meta.url, export: "…" } as the target',
  );
}
