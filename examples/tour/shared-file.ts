// Shared file: two processes append lines to one file, each line in several writes. One lock keeps
// the lines whole. One process holds it by `using`, the other by acquire and release.

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Lock, Process } from 'lockstep';
import { check } from './check.ts';

async function append(file: string, line: string): Promise<void> {
  for (const word of line.split(/(?<= )/)) {
    appendFileSync(file, word);
    await sleep(30);
  }
  appendFileSync(file, '\n');
}

export async function writeByUsing(file: string, lock: Lock): Promise<void> {
  using _hold = await lock.acquire();
  await append(file, 'written while a using block held the lock');
}

export async function writeByFinally(file: string, lock: Lock): Promise<void> {
  await lock.acquire();
  try {
    await append(file, 'written between acquire and a release in finally');
  } finally {
    lock.release();
  }
}

if (isMainProcess) {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-tour-'));
  const file = join(folder, 'shared.txt');
  const lock = new Lock();
  const writers = [writeByUsing, writeByFinally].map((target) => new Process({ target, args: [file, lock] }));
  for (const writer of writers) writer.start();
  await Promise.all(writers.map((writer) => writer.result));
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  rmSync(folder, { recursive: true });

  for (const line of lines) console.log(`| ${line}`);
  check(lines.length === 2, 'two lines in the file');
  check(lines.includes('written while a using block held the lock'), 'the one is whole');
  check(lines.includes('written between acquire and a release in finally'), 'and so is the other');
}
