/**
 * Sweeping: a program that begins and one that removes what no program uses meet in one folder, at
 * every step of the second.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Queue, Thread } from 'lockstep';
import { enters } from '../support/entering.ts';
import { place, removePlace } from '../support/places.ts';
import { Program } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';

/** More steps than the removal of a folder has in which there is nothing. */
const STEPS = 24;
/** Milliseconds for the entering program: afterwards it is taken to wait for the sweeping one. */
const HEAD_START = 40;

it('a folder that its maker is just entering is not removed, wherever the sweeping program is', {
  timeout: HANG_MS,
}, async () => {
  const [base, signs] = [place(), place()];
  const folderAt = (step: number): string => join(base, `lockstep-${process.geteuid?.()}~k${step}`);
  for (let step = 0; step < STEPS; step++) mkdirSync(folderAt(step), { mode: 0o700 });
  const [orders, entered, stayed] = [new Queue<string>(), new Queue<string>(), new Queue<boolean>()];
  const maker = new Thread({ target: enters, args: [orders, entered, stayed] });
  maker.start();
  const sweeper = new Program('paused', { args: ['sweep', signs], env: { LOCKSTEP_DIR: base } });
  const met = new Set<number>();
  const next = (): number | undefined =>
    readdirSync(signs)
      .map((file) => Number(/^at-(\d+)$/.exec(file)?.[1] ?? Number.NaN))
      .find((step) => !Number.isNaN(step) && !met.has(step));
  const stopsOrEnds = (): boolean => next() !== undefined || sweeper.child.exitCode !== null;
  for (;;) {
    await until(stopsOrEnds, 'the sweeping program to stop or end');
    const step = next();
    if (step === undefined) break;
    met.add(step);
    await orders.put(folderAt(step));
    const came = await entered.get({ timeout: HEAD_START }).catch(() => undefined);
    writeFileSync(join(signs, `go-${step}`), '');
    await until(stopsOrEnds, 'the sweeping program to be done with the folder');
    assert.equal(came ?? (await entered.get()), folderAt(step));
    await orders.put('look');
    assert.ok(await stayed.get(), `the folder was removed under its maker, at step ${step}`);
  }
  assert.deepEqual(await sweeper.ended, { code: 0, signal: null, stdout: '["done"]\n', stderr: '' });
  assert.ok(met.size > 8, `it stopped ${met.size} times only`);
  await orders.put('');
  await maker.join();
  for (const queue of [orders, entered, stayed]) queue.close();
  removePlace(signs);
  removePlace(base);
});
