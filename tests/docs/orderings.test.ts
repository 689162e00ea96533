/** Every ordering between two agents has both its ends marked in the code, by the same words. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow, read } from './markdown.ts';

const MARK = /\/\/ (PUBLISH|OBSERVE) ([^:.,/]+)/g;

interface Ends {
  /** Orderings that are published, and observed, with where. */
  readonly PUBLISH: Map<string, string>;
  readonly OBSERVE: Map<string, string>;
}

/** The marks in these files; `code`: those in their code, and not in their header, alone. */
function endsIn(texts: Iterable<readonly [string, string]>, code: boolean): Ends {
  const ends: Ends = { PUBLISH: new Map(), OBSERVE: new Map() };
  for (const [path, text] of texts)
    for (const line of text.split('\n')) {
      if (code && /^\s*\*/.test(line)) continue;
      for (const [, end, ordering] of line.matchAll(MARK))
        ends[end as keyof Ends].set(ordering!.trim(), path);
    }
  return ends;
}

/** Their faults. */
function unpaired(texts: readonly (readonly [string, string])[]): string[] {
  const inCode = endsIn(texts, true);
  const all = endsIn(texts, false);
  const wrong: string[] = [];
  for (const [end, other] of [
    ['PUBLISH', 'OBSERVE'],
    ['OBSERVE', 'PUBLISH'],
  ] as const)
    for (const [ordering, path] of all[end]) {
      if (!inCode[other].has(ordering))
        wrong.push(`${path}: ${end} ${ordering}, and no ${other} in the code`);
    }
  return wrong;
}

test('every PUBLISH in src has an OBSERVE of the same words, and the other way round', () => {
  const texts = filesBelow('src', (path) => path.endsWith('.ts')).map((path) => [path, read(path)] as const);
  assert.ok(endsIn(texts, true).PUBLISH.size > 10, 'the marks are found');
  assert.deepEqual(unpaired(texts), []);
});

test('a mark without its other end is found, also where only a header has that', () => {
  const header = '/**\n *   take  look for it  // OBSERVE item -> end\n */\n';
  assert.deepEqual(unpaired([['a.ts', `${header}// PUBLISH item -> end: at once\n`]]), [
    'a.ts: PUBLISH item -> end, and no OBSERVE in the code',
  ]);
  assert.deepEqual(unpaired([['a.ts', '  // OBSERVE item -> end\n']]), [
    'a.ts: OBSERVE item -> end, and no PUBLISH in the code',
  ]);
  assert.deepEqual(
    unpaired([
      ['a.ts', '// PUBLISH a -> b\n'],
      ['b.ts', '  // OBSERVE a -> b. Why\n'],
    ]),
    [],
  );
});
