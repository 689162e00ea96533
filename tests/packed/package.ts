/** Package: the tarball that would be published, installed in a folder of its own. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DEPENDENCIES = ['koffi', '@koromix', 'es-module-lexer'];

export class PackedPackage {
  /** The folder of a program that has the package installed. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'lockstep-packed-'));

  constructor() {
    const modules = join(this.folder, 'node_modules');
    mkdirSync(modules);
    const { stdout } = run(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', this.folder],
      ROOT,
    );
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    run('tar', ['-xzf', packed!.filename], this.folder);
    cpSync(join(this.folder, 'package'), join(modules, 'lockstep'), { recursive: true });
    for (const name of DEPENDENCIES) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }

  /**
   * Copies a part of the compiled tests, a file or a folder, to where it finds the installed
   * package.
   */
  addTests(path: string): string {
    const copy = join(this.folder, 'build/tests', path);
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(join(ROOT, 'build/tests', path), copy, { recursive: true });
    return copy;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], cwd: string): { stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stderr}`);
  return { stdout };
}
