// Writes docs/reference from the doc comments of the public API: `npm run reference`.
// `--check` writes nothing and fails where a page differs from its comments.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const docs = join(root, 'docs');
const folder = join(docs, 'reference');
/** Members that every shared object has: described once, on the page `shared-object.md`. */
const COMMON = new Set(['name', 'handle', 'closed', 'close', 'describe', 'open', 'toJSON']);
const MADE = '<!-- Made by `npm run reference` from the doc comments in src. -->';

if (!existsSync(join(docs, 'node_modules/typedoc'))) {
  // typedoc reads TypeScript 6 at most; Lockstep is built by 7. So it has a package of its own.
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: docs, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const typedocPath = createRequire(join(docs, 'package.json')).resolve('typedoc');
const { Application, LogLevel, ReflectionKind } = await import(pathToFileURL(typedocPath).href);
const app = await Application.bootstrap({
  entryPoints: [join(root, 'src/index.ts')],
  tsconfig: join(root, 'src/tsconfig.json'),
  excludeInternal: true,
  excludeExternals: true,
  excludePrivate: true,
  excludeProtected: true,
  skipErrorChecking: true,
  logLevel: LogLevel.Error,
});
const project = await app.convert();
if (project === undefined) throw new Error('typedoc found nothing to document');

const reflections = project.children ?? [];
const isError = ({ name }) => name.endsWith('Error');
const classes = reflections.filter((one) => one.kind === ReflectionKind.Class && !isError(one));
const functions = reflections.filter(
  ({ kind }) => kind & (ReflectionKind.Function | ReflectionKind.Variable),
);
const types = reflections.filter(({ kind }) => kind & (ReflectionKind.Interface | ReflectionKind.TypeAlias));

/** Pages by file name. @type {Map<string, string>} */
const pages = new Map();
for (const one of classes) pages.set(fileOf(one.name), classPage(one));
for (const one of functions) pages.set(fileOf(one.name), functionPage(one));
pages.set('types.md', typesPage());
pages.set('shared-object.md', commonPage());
pages.set('README.md', indexPage());

let stale = 0;
mkdirSync(folder, { recursive: true });
for (const [file, text] of pages) {
  const path = join(folder, file);
  const found = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (found === text) continue;
  stale++;
  if (process.argv.includes('--check'))
    console.error(`docs/reference/${file} is not up to date; run npm run reference`);
  else writeFileSync(path, text);
}
console.log(`${pages.size} pages, ${stale} ${process.argv.includes('--check') ? 'stale' : 'written'}`);
process.exitCode = process.argv.includes('--check') && stale > 0 ? 1 : 0;

/** `BoundedSemaphore` is described in `bounded-semaphore.md`. @param {string} name */
export function fileOf(name) {
  return `${name.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()}.md`;
}

function classPage(one) {
  const members = (one.children ?? []).filter((member) => !member.name.startsWith('['));
  const isShared = members.some(({ name }) => name === 'handle');
  const own = members.filter(
    ({ name, kind }) => kind !== ReflectionKind.Constructor && !(isShared && COMMON.has(name)),
  );
  const constructors = (
    members.find(({ kind }) => kind === ReflectionKind.Constructor)?.signatures ?? []
  ).filter(({ inheritedFrom }) => inheritedFrom === undefined);
  const properties = own.filter((member) => isProperty(member));
  const methods = own.filter((member) => !isProperty(member));
  const parts = [MADE, `# ${one.name}`, textOf(one.comment), example(one.name)];
  if (constructors.length > 0) {
    parts.push('## Constructor', signatures(constructors, `new ${one.name}`), ...docsOf(constructors));
    parts.push(...optionTables(constructors));
  }
  if (methods.length > 0) parts.push('## Methods');
  for (const method of methods)
    parts.push(
      `### ${method.flags.isStatic ? `${one.name}.` : ''}${method.name}`,
      signatures(method.signatures, method.name),
      ...docsOf(method.signatures),
    );
  if (properties.length > 0) parts.push('## Properties', propertyTable(properties));
  if (isShared)
    parts.push(
      '## Members of every shared object',
      '`name` `handle` `open` `describe` `close` `closed` `using`: see [shared objects](shared-object.md).',
    );
  return page(parts);
}

function functionPage(one) {
  const found = one.signatures ?? [];
  return page([
    MADE,
    `# ${one.name}`,
    ...(found.length > 0
      ? [signatures(found, one.name), ...docsOf(found)]
      : [code(`${one.name}: ${typeOf(one)}`), textOf(one.comment)]),
    example(one.name),
    ...optionTables(found),
  ]);
}

function typesPage() {
  const parts = [
    MADE,
    '# Types',
    'The types that the API exports beside its classes, in alphabetical order.',
  ];
  for (const one of types.toSorted((a, b) => a.name.localeCompare(b.name))) {
    parts.push(`## ${one.name}`, textOf(one.comment));
    if (one.kind === ReflectionKind.TypeAlias)
      parts.push(code(`type ${one.name}${parametersOf(one)} = ${one.type?.toString()}`));
    else parts.push(propertyTable((one.children ?? []).filter(({ name }) => !name.startsWith('['))));
  }
  return page(parts);
}

function commonPage() {
  const lock = classes.find(({ name }) => name === 'Lock');
  const members = (lock?.children ?? []).filter(({ name }) => COMMON.has(name));
  const parts = [
    MADE,
    '# Shared objects',
    'The common members of locks, queues, values and all other shared objects. The signatures are those of `Lock`.',
  ];
  for (const member of members) {
    parts.push(`## ${member.name}`);
    if (isProperty(member)) parts.push(code(`${member.name}: ${typeOf(member)}`), textOf(commentOf(member)));
    else parts.push(signatures(member.signatures, member.name), ...docsOf(member.signatures));
  }
  parts.push(
    '## using',
    '`using lock = new Lock()` closes the object at the end of the block. `await using` does the same.',
    '## Printing',
    '`util.inspect` (and so `console.log`) prints a readable form, `JSON.stringify` what `describe()` returns.',
  );
  return page(parts);
}

function indexPage() {
  const rows = (list) =>
    table(
      ['export', 'what it is'],
      list.map((one) => [`[\`${one.name}\`](${fileOf(one.name)})`, firstSentence(one)]),
    );
  return page([
    MADE,
    '# Reference',
    'A page for each class and function. Times are in milliseconds; a plain name gives a promise, `…Sync` blocks the thread, `try…` never waits.',
    '## Classes',
    rows(classes),
    '## Functions and variables',
    rows(functions),
    '## Also',
    '- [Shared objects](shared-object.md): the members that all of them have\n- [Types](types.md): options, descriptions and other types\n- [Errors](errors.md): every error by its code',
  ]);
}

/**
 * The program in examples/reference that shows the export, run by the tests.
 * @param {string} name
 */
function example(name) {
  const file = fileOf(name).replace(/md$/, 'ts');
  const path = join(root, 'examples/reference', file);
  if (!existsSync(path)) return '';
  const text = readFileSync(path, 'utf8');
  return `## Example\n\n<!-- file: examples/reference/${file} -->\n\n\`\`\`ts\n${text}\`\`\``;
}

/** Tables of the options types that the signatures take. */
function optionTables(found) {
  const wanted = new Set();
  const visit = (type) => {
    if (type === undefined) return;
    if (type.type === 'reference' && /Options$/.test(type.name)) wanted.add(type.name);
    for (const inner of type.types ?? []) visit(inner);
  };
  for (const signature of found) for (const parameter of signature.parameters ?? []) visit(parameter.type);
  return [...wanted].flatMap((name) => {
    const one = types.find((type) => type.name === name);
    const properties = one?.children ?? [];
    return properties.length === 0 ? [] : [`### ${name}`, propertyTable(properties)];
  });
}

function propertyTable(members) {
  return table(
    ['name', 'type', 'meaning'],
    members.map((member) => [
      `\`${member.name}${member.flags?.isOptional ? '?' : ''}\``,
      `\`${typeOf(member)}\``,
      textOf(commentOf(member)).replace(/\s*\n\s*/g, ' '),
    ]),
  );
}

function table(columns, rows) {
  const cell = (text) => text.replaceAll('|', '\\|');
  return [columns, columns.map(() => '---'), ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');
}

function signatures(found = [], name = '') {
  return code(
    found
      .map((signature) => {
        const parameters = (signature.parameters ?? []).map(
          (one) =>
            `${one.flags.isRest ? '...' : ''}${one.name}${one.flags.isOptional || one.defaultValue !== undefined ? '?' : ''}: ${one.type}`,
        );
        const result = name.startsWith('new ') ? '' : `: ${signature.type}`;
        return `${name}${parametersOf(signature)}(${parameters.join(', ')})${result};`;
      })
      .join('\n'),
  );
}

function parametersOf({ typeParameters }) {
  return typeParameters?.length > 0 ? `<${typeParameters.map(({ name }) => name).join(', ')}>` : '';
}

/** The comments of overloads, each once. */
function docsOf(found = []) {
  return [...new Set(found.map(({ comment }) => textOf(comment)))];
}

function isProperty({ kind }) {
  return (kind & (ReflectionKind.Property | ReflectionKind.Accessor)) !== 0;
}

function commentOf(member) {
  return member.comment ?? member.getSignature?.comment ?? member.signatures?.[0]?.comment;
}

function typeOf(member) {
  return String(
    member.type ?? member.getSignature?.type ?? member.signatures?.[0]?.toString() ?? 'unknown',
  ).replace(/^\S+: /, '');
}

function textOf(comment) {
  if (comment === undefined) return '';
  const text = (parts) => parts.map((part) => part.text).join('');
  const tags = comment.blockTags
    .filter(({ tag }) => tag !== '@example' && tag !== '@internal')
    .map(({ content }) => text(content));
  // Programs are shown from files that the tests run.
  return [text(comment.summary).replace(/```ts\n[\s\S]*?```/g, ''), ...tags].join('\n\n').trim();
}

function firstSentence(one) {
  const text = textOf(commentOf(one)).replace(/\s+/g, ' ');
  return /^.*?\.(?= |$)/.exec(text)?.[0] ?? text;
}

function code(text) {
  return `\`\`\`typescript\n${text}\n\`\`\``;
}

function page(parts) {
  return `${parts
    .filter((part) => part !== '')
    .join('\n\n')
    .replace(/\n{3,}/g, '\n\n')}\n`;
}
