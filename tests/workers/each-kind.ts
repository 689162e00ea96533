/**
 * Shared by the suites of Process and Thread: the same cases for both, and an end for children
 * that a failed case leaves.
 */

import { afterEach, describe } from 'node:test';
import { inspect } from 'node:util';
import { Process, type ProcessOptions, Thread } from 'lockstep';

export type Child = Process | Thread;
export type Kind = 'Process' | 'Thread';
export type Make = <Result, Args extends readonly unknown[]>(
  options: ProcessOptions<Result, Args>,
) => Process<Result, Args> | Thread<Result, Args>;

const made: Child[] = [];

const KINDS: [kind: Kind, make: Make][] = [
  ['Process', (options) => keep(new Process(options))],
  ['Thread', (options) => keep(new Thread(options))],
];

/**
 * Defines a suite once for processes and once for threads; `make` makes a child that is not
 * started.
 */
export function eachKind(define: (make: Make, kind: Kind) => void): void {
  for (const [kind, make] of KINDS) {
    describe(kind, () => {
      // A test that fails must not leave a child that waits forever.
      afterEach(() => {
        for (const child of made.splice(0)) {
          if (!inspect(child).includes('running')) continue;
          child.kill();
          child.joinSync();
        }
      });
      define(make, kind);
    });
  }
}

function keep<C extends object>(child: C): C {
  made.push(child as Child);
  return child;
}
