/**
 * LockOrder: warns of lock orders that could deadlock, although they did not
 * (LOCKSTEP_CHECK=order).
 *
 * A thread that takes a lock while it holds another records that pair in the namespace's folder,
 * with its stack. There is one file for each pair and set of other locks held. Then it searches for
 * a way back from the second to the first. Two threads that do so at the same time both record
 * first, so at least one sees the other. A way back on which all hold another lock in common is
 * harmless, because that lock keeps them apart. The idea is that of Linux's lockdep.
 *
 *   order-<first>-<second>-<hash of the others>   { first, second, others, who, stack }
 *   warned-<first>-<second>                        so that of each pair one warning is given
 */

import type { Cell } from '../../agents/cell.ts';
import type { Directory } from '../../platform/directory.ts';
import { titleOf } from './deadlock.ts';
import type { RawLock } from './raw-lock.ts';
import type { Scope } from './scope.ts';

const PREFIX = 'order-';

/** A thread took `second` while it held `first` and `others`. */
interface Pair {
  readonly first: string;
  readonly second: string;
  readonly others: readonly string[];
  readonly titles: readonly [first: string, second: string];
  readonly who: string;
  readonly stack: string;
}

/** Pairs that this thread has recorded. */
const known = new Set<string>();

/** Checks the taking of `lock`, which has just been taken at `stack`. */
export function checkOrder(lock: RawLock, stack: string): void {
  const { cell } = lock;
  const before = heldBefore(lock);
  const second = keyOf(cell);
  for (const held of before) {
    const first = keyOf(held);
    const others = before.filter((each) => each !== held).map(keyOf);
    // Each pair of locks is recorded once, under the locks held besides.
    const file = `${PREFIX}${first}-${second}-${digest(others)}`;
    const path = `${cell.agent.folder}/${file}`;
    if (known.has(path)) continue;
    known.add(path);
    const { namespace, slot } = cell.agent;
    // Record the pair with its place.
    const { name, pid } = namespace.identity(slot);
    const titles = [titleOf(namespace, held.number), titleOf(namespace, cell.number)] as const;
    const pair: Pair = { first, second, others, titles, who: `${name} (pid ${pid})`, stack };
    const { directory } = namespace;
    directory.writeNew(file, JSON.stringify(pair));
    // Search the opposite order; the first program to find it warns.
    const back = wayBack(directory, pair);
    if (back !== undefined && isFirstWarning(directory, first, second)) warn(pair, back);
  }
}

/** The locks that the scopes around this taking hold, in the same namespace. */
function heldBefore({ cell, scope, turn }: RawLock): Cell[] {
  const before: Cell[] = [];
  for (let around: Scope | undefined = scope; around !== undefined; around = around.parent) {
    for (const [held, heldTurn] of around.held) {
      if (!held.isHeld(heldTurn)) around.held.delete(held);
      else if (held.cell !== cell && held.cell.agent === cell.agent) before.push(held.cell);
    }
  }
  return turn === 0 ? [] : before;
}

/** Pairs that lead from `pair.second` to `pair.first` and can meet with it at one time. */
function wayBack(directory: Directory, pair: Pair): Pair[] | undefined {
  const pairs = readPairs(directory);
  const visited = new Set<string>();
  const search = (from: string, way: readonly Pair[]): Pair[] | undefined => {
    if (from === pair.first) return isKeptApart([pair, ...way]) ? undefined : [...way];
    if (visited.has(from)) return undefined;
    visited.add(from);
    // Follow the recorded orders, depth first.
    for (const next of pairs) {
      if (next.first !== from) continue;
      const found = search(next.second, [...way, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(pair.second, []);
}

/** Whether all of them hold one lock in common. */
function isKeptApart(way: readonly Pair[]): boolean {
  return way[0]!.others.some((other) => way.every(({ others }) => others.includes(other)));
}

function readPairs(directory: Directory): Pair[] {
  return directory.list(PREFIX).flatMap((file) => {
    try {
      return [JSON.parse(directory.read(file)?.toString('utf8') ?? '') as Pair];
    } catch (error) {
      // Another thread is just writing it, and will then look at ours.
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}

function isFirstWarning(directory: Directory, first: string, second: string): boolean {
  return directory.writeNew(`warned-${[first, second].sort().join('-')}`, '');
}

function warn(pair: Pair, back: readonly Pair[]): void {
  const told = [pair, ...back].map(
    ({ titles: [first, second], who, stack }) => `${who} took ${second} while it held ${first}\n${stack}`,
  );
  process.emitWarning(
    `these orders of taking locks can deadlock, though they did not this time; take them in the same order everywhere:\n${told.join('\n')}`,
    { type: 'LockOrderWarning', code: 'LOCKSTEP_ORDER' },
  );
}

function keyOf({ number, generation }: Cell): string {
  return `${number}.${generation}`;
}

function digest(others: readonly string[]): string {
  // Loaded only when needed, because it would add 3 ms to the start of every program.
  return process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update([...others].sort().join())
    .digest('hex')
    .slice(0, 16);
}
