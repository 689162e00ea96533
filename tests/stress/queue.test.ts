import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Process, Queue, Thread } from 'lockstep';
import { type Child, Company } from '../support/members/company.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';
import { type Word, word, words } from '../support/words.ts';
import {
  type Load,
  type Progress,
  puts,
  putsLoads,
  putsOn,
  readTaken,
  takes,
  takesLoads,
} from './messengers.ts';

const PRODUCERS = 4;
const CONSUMERS = 4;

const folders: string[] = [];
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-taken-'));
  folders.push(folder);
  return folder;
}

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/**
 * Each of the first `count` items of every producer was taken once, and no others; every consumer
 * saw them in order.
 */
function assertEachItemOnce(folder: string, count: number): void {
  const { times, disordered } = readTaken(folder, PRODUCERS);
  assert.equal(disordered, 0, 'items out of order');
  for (const [seat, of] of times.entries()) {
    assert.equal(of.length, count);
    const notOnce = of.flatMap((each, index) => (each === 1 ? [] : [`item ${index} ${each} times`]));
    assert.deepEqual(notOnce, [], `of producer ${seat}`);
  }
}

describe('a Queue between 4 producers and 4 consumers', { timeout: HANG_MS }, () => {
  const mixes = [
    { name: 'processes that block', kind: Process, styles: ['blocking'], count: 250_000 },
    { name: 'processes that await', kind: Process, styles: ['awaiting'], count: 50_000 },
    {
      name: 'processes that block or await',
      kind: Process,
      styles: ['blocking', 'awaiting', 'awaiting', 'blocking', 'awaiting'],
      count: 50_000,
    },
    {
      name: 'threads that block or await',
      kind: Thread,
      styles: ['blocking', 'awaiting', 'blocking'],
      count: 25_000,
    },
    {
      name: 'processes that block, with 3 places',
      kind: Process,
      styles: ['blocking'],
      count: 10_000,
      maxSize: 3,
    },
    {
      name: 'processes that block or await, with 3 places',
      kind: Process,
      styles: ['blocking', 'awaiting', 'awaiting', 'blocking', 'awaiting'],
      count: 5_000,
      maxSize: 3,
    },
  ] as const;
  for (const { name, kind, styles, count, ...options } of mixes) {
    it(`(${name}) passes ${(count * PRODUCERS).toLocaleString('en')} items, each exactly once and in order`, async () => {
      const folder = makeFolder();
      const queue = new Queue<number>(options);
      const company = new Company<Child>(PRODUCERS + CONSUMERS, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        return seat < PRODUCERS
          ? new kind({ target: puts, args: [queue, seat, count, style] })
          : new kind({ target: takes, args: [queue, folder, String(seat), style] });
      });
      await company.results(PRODUCERS);
      queue.close();
      await company.results();
      assertEachItemOnce(folder, count);
      assert.equal(queue.size, 0);
      queue[Symbol.dispose]();
    });
  }

  const killed = [
    { style: 'blocking', maxSize: 0 },
    { style: 'awaiting', maxSize: 0 },
    { style: 'blocking', maxSize: 3 },
    { style: 'awaiting', maxSize: 3 },
  ] as const;
  for (const { style, maxSize } of killed) {
    const places = maxSize === 0 ? '' : `, ${maxSize} places`;
    it(`loses at most what is in hand when members (${style}${places}) are killed at random and replaced`, async () => {
      const folder = makeFolder();
      const queue = new Queue<number>({ maxSize, bytes: 65_536 });
      const progress: Progress = { begun: words(PRODUCERS), done: words(PRODUCERS), enough: word() };
      let takersKilled = 0;
      let started = 0;
      const beginnings = new Array<number>(PRODUCERS).fill(0);
      const files: string[] = [];
      const company = new Company(PRODUCERS + CONSUMERS, (seat) => {
        if (seat < PRODUCERS) {
          beginnings[seat] = progress.done[seat]!.value;
          return new Process({ target: putsOn, args: [queue, seat, progress, style] });
        }
        const file = `${seat}-${++started}`;
        files[seat] = join(folder, file);
        return new Process({ target: takes, args: [queue, folder, file, style] });
      });
      const inHand = new Set<string>();
      const atIt = (seat: number): boolean =>
        seat < PRODUCERS
          ? progress.done[seat]!.value > beginnings[seat]!
          : (statSync(files[seat]!, { throwIfNoEntry: false })?.size ?? 0) > 0;
      await company.mayhem(16, atIt, async (seat) => {
        if (seat >= PRODUCERS) {
          takersKilled++;
          return;
        }
        const begun = progress.begun[seat] as Word;
        const done = progress.done[seat] as Word;
        if (begun.value !== done.value) inHand.add(`${seat}:${begun.value - 1}`);
        done.value = begun.value;
      });
      progress.enough.value = 1;
      await company.results(PRODUCERS);
      queue.close();
      await company.results();
      const { times, disordered } = readTaken(folder, PRODUCERS);
      assert.equal(disordered, 0, 'items out of order');
      let lost = 0;
      for (const [seat, { value: count }] of progress.begun.entries()) {
        for (let index = 0; index < count; index++) {
          const often = times[seat]![index] ?? 0;
          assert.ok(often < 2, `item ${index} of producer ${seat} was taken ${often} times`);
          if (often === 0 && !inHand.has(`${seat}:${index}`)) lost++;
        }
        assert.ok(times[seat]!.length <= count, 'an item that nobody put');
      }
      assert.ok(lost <= takersKilled, `${lost} items are lost, ${takersKilled} consumers were killed`);
      assert.equal(queue.size, 0);
      queue[Symbol.dispose]();
    });
  }
});

describe('a Queue of large items', { timeout: HANG_MS }, () => {
  it('holds as many large items as its bytes have room for, where memory for them has yet to be backed', () => {
    const queue = new Queue<Uint8Array>({ bytes: 2 ** 24 });
    const item = new Uint8Array(2 ** 20);
    for (const count of [6, 14, 14]) {
      // One place is lost to what is left over at the ring's end.
      for (let n = 0; n < count; n++) assert.ok(queue.tryPut(item.fill(n)));
      for (let n = 0; n < count; n++) assert.equal(queue.tryGet()!.at(-1), n);
    }
    queue[Symbol.dispose]();
  });

  for (const styles of [['blocking'], ['awaiting', 'blocking', 'awaiting']] as const) {
    it(`passes items of 0 bytes to 2 MiB whole (${styles.join(', ')}), and leaves no file of an item`, async () => {
      const [each, count] = [3, 220];
      const queue = new Queue<Load>({ bytes: 2 ** 20 });
      const company = new Company(2 * each, (seat) => {
        const style = styles[seat % styles.length] ?? 'blocking';
        return seat < each
          ? new Process({ target: putsLoads, args: [queue, seat, count, style] })
          : new Process({ target: takesLoads, args: [queue, style] });
      });
      await company.results(each);
      queue.close();
      const taken: string[] = [];
      for (const result of (await company.results()).slice(each)) {
        const seen = result as { taken: string[]; wrong: string[] };
        assert.deepEqual(seen.wrong, []);
        taken.push(...seen.taken);
      }
      const all = Array.from({ length: each * count }, (_, n) => `${Math.floor(n / count)}:${n % count}`);
      assert.deepEqual(taken.sort(), all.sort());
      assert.deepEqual(
        listing(sandbox).filter((file) => file.includes('/item-')),
        [],
      );
      queue[Symbol.dispose]();
    });
  }
});
