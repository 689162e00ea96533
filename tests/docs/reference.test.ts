/** Every export has a page, every error code a heading: docs/reference is whole. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as lockstep from 'lockstep';
import { proseOf, read, root } from './markdown.ts';

const ERRORS = 'docs/reference/errors.md';
const HEADING = /^## (ERR_LOCKSTEP_\w+)$/;
const exported = Object.entries(lockstep as unknown as Record<string, unknown>);
const headings = proseOf(read(ERRORS)).flatMap((line) => HEADING.exec(line)?.[1] ?? []);

for (const [name] of exported.filter(([name]) => !name.endsWith('Error'))) {
  const page = pageOf(name);
  test(`${name} has a page in docs/reference, with a program`, () => {
    assert.ok(existsSync(join(root, `docs/reference/${page}.md`)), `no ${page}.md; run npm run reference`);
    assert.ok(
      existsSync(join(root, `examples/reference/${page}.ts`)),
      `no examples/reference/${page}.ts; write one`,
    );
    assert.ok(
      read('docs/reference/README.md').includes(`[\`${name}\`](${page}.md)`),
      'not in the list; run npm run reference',
    );
    assert.ok(read(`docs/reference/${page}.md`).includes(`\n# ${name}\n`));
  });
}

for (const [name, value] of exported.filter(([name]) => name.endsWith('Error') && name !== 'LockstepError'))
  test(`the page of errors explains ${name}, and the error names its heading`, () => {
    const error = new (value as new (message: string, cycle: []) => Error & { code: string; help: string })(
      '',
      [],
    );
    assert.ok(headings.includes(error.code), `${ERRORS} has no heading ${error.code}`);
    assert.equal(error.help, `lockstep/${ERRORS}#${error.code.toLowerCase()}`);
    assert.match(read(ERRORS), new RegExp(`## ${error.code}\\n\\n\`${name}\``));
  });

test('the page of errors has no heading twice, and none without an error', () => {
  const codes = exported
    .filter(([name]) => name.endsWith('Error') && name !== 'LockstepError')
    .map(
      ([, value]) => new (value as new (message: string, cycle: []) => Error & { code: string })('', []).code,
    );
  assert.deepEqual([...headings].sort(), codes.sort());
});

test('the package has the page that errors name', () => {
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  assert.ok(files.includes(ERRORS));
});

/** As in scripts/reference.mjs. */
function pageOf(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
}
