/** Exports: the names that the package exports, so that none comes or goes unseen. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as lockstep from 'lockstep';

const CLASSES = `Barrier BoundedSemaphore Condition Connection Event JoinableQueue Latch Lock Pool Process Queue
  QueueProducer RLock RWLock RawArray RawValue RecordArray Semaphore ShareableList Shared SharedArray
  SharedMemory SimpleQueue Thread ThreadLocal ThreadPool Timer Value`;
const FUNCTIONS = `Pipe activeChildren asCompleted cpuCount currentProcess currentTask currentThread openShared parentProcess range struct
  waitAny waitAnySync workerState`;
const CONSTANTS = 'isMainProcess';

const words = (text: string): string[] => text.trim().split(/\s+/);
const isClass = (value: unknown): boolean => typeof value === 'function' && /^class\b/.test(String(value));

test('lockstep exports its classes, functions and constants, and errors with a code', () => {
  const entries = Object.entries(lockstep) as [string, unknown][];
  const errors = entries.filter(([name]) => name.endsWith('Error'));
  const others = entries.filter(([name]) => !name.endsWith('Error'));
  const names = (wanted: (value: unknown) => boolean): string[] =>
    others.flatMap(([name, value]) => (wanted(value) ? [name] : [])).sort();
  assert.deepEqual(names(isClass), words(CLASSES).sort());
  assert.deepEqual(
    names((value) => typeof value === 'function' && !isClass(value)),
    words(FUNCTIONS).sort(),
  );
  assert.deepEqual(
    names((value) => typeof value !== 'function'),
    words(CONSTANTS),
  );
  assert.ok(errors.length > 10, `${errors.length} errors`);
  for (const [name, value] of errors) {
    assert.ok(isClass(value), name);
    assert.equal((value as { name: string }).name, name);
    assert.ok((value as { prototype: unknown }).prototype instanceof Error, name);
  }
});
