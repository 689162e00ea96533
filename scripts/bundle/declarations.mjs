// Declarations for programs: of each file of declarations only the statements to which an entry
// point leads. The rest would be a third of the package. Private and protected members lead to
// types inside of the library, of which again only those statements are kept.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BEGINNING = /^(?:export|declare|import|interface|type|abstract)\b/;
const STATEMENT = /^(?:export|declare|import|interface|type|abstract|\/\*\*)/;
const IMPORT = /^import (?:type )?\{([^}]*)\} from '([^']+)';$/;
const LIST = /^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;$/;
const STAR = /^export \* from '([^']+)';$/;
const DECLARED =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function|enum) ([\w$]+)/;
const INLINE = /import\('(\.[^']+)'\)\.([\w$]+)/g;

/** @param {string} list */
const bindings = (list) =>
  list
    .split(',')
    .map((each) => each.trim().replace(/^type /, ''))
    .filter((each) => each !== '')
    .map((each) => {
      const [from, to = from] = each.split(' as ');
      return { from, to };
    });

/** A declaration file: its statements, and where its names come from. */
class File {
  statements = [];
  /** Names that it declares, with their statements. */
  own = new Map();
  /** Names that it imports: `{ path, name }`. */
  imported = new Map();
  /** Names that it exports from elsewhere. */
  passed = new Map();
  stars = [];
  kept = new Set();
  bound = new Set();

  constructor(path) {
    this.path = path;
    const at = (specifier) =>
      specifier.startsWith('.') ? join(dirname(path), specifier.replace(/\.[jt]s$/, '.d.ts')) : undefined;
    for (const text of statementsOf(readFileSync(path, 'utf8'))) {
      const code = codeOf(text);
      const statement = { text, code };
      this.statements.push(statement);
      const [, names, from] = IMPORT.exec(code) ?? [];
      const [, list, source] = LIST.exec(code) ?? [];
      const [, star] = STAR.exec(code) ?? [];
      if (names !== undefined) {
        statement.imports = from;
        for (const { from: name, to } of bindings(names)) this.imported.set(to, { path: at(from), name });
      } else if (list !== undefined) {
        statement.always = true;
        for (const { from: name, to } of bindings(list))
          this.passed.set(to, source === undefined ? { name } : { path: at(source), name });
      } else if (star !== undefined) {
        statement.always = true;
        this.stars.push(at(star));
      } else {
        const [, name] = DECLARED.exec(code) ?? [];
        // What a module does when it is loaded is no type.
        if (name === undefined) statement.always = !code.startsWith('import ');
        else this.own.set(name, [...(this.own.get(name) ?? []), statement]);
      }
    }
  }
}

/** The text without its comments. */
const codeOf = (text) => text.replace(/\/\*[\s\S]*?\*\//g, '').trim();

function statementsOf(text) {
  const found = [];
  let commented = false;
  for (const line of text.split('\n')) {
    if (STATEMENT.test(line) && !commented) found.push([line]);
    else if (found.length > 0) found.at(-1).push(line);
    if (line.startsWith('/**')) commented = true;
    else if (!line.startsWith(' *')) commented = false;
  }
  // A comment within a statement, of a member of a union, has split it.
  const whole = [];
  for (const lines of found) {
    const text = lines.join('\n').trimEnd();
    if (whole.length > 0 && !BEGINNING.test(codeOf(text))) whole.push(`${whole.pop()}\n${text}`);
    else whole.push(text);
  }
  return whole;
}

/**
 * The text of each file that the entries lead to, by its path.
 * @param {readonly string[]} entries
 */
export function neededDeclarations(entries) {
  const files = new Map();
  const fileAt = (path) => {
    if (!files.has(path)) files.set(path, new File(path));
    return files.get(path);
  };
  const use = (file, statement) => {
    if (file.kept.has(statement)) return;
    file.kept.add(statement);
    for (const [name] of statement.code.matchAll(/[A-Za-z_$][\w$]*/g)) local(file, name);
    for (const [, specifier, name] of statement.code.matchAll(INLINE)) {
      need(join(dirname(file.path), specifier.replace(/\.[jt]s$/, '.d.ts')), name);
    }
  };
  const local = (file, name) => {
    for (const statement of file.own.get(name) ?? []) use(file, statement);
    const found = file.imported.get(name);
    if (found === undefined || file.bound.has(name)) return;
    file.bound.add(name);
    if (found.path !== undefined) need(found.path, found.name);
  };
  const need = (path, name) => {
    const file = fileAt(path);
    if (file.own.has(name)) return local(file, name);
    const passed = file.passed.get(name);
    if (passed === undefined) for (const star of file.stars) need(star, name);
    else if (passed.path === undefined) local(file, passed.name);
    else need(passed.path, passed.name);
  };
  const all = (path) => {
    const file = fileAt(path);
    for (const name of [...file.own.keys(), ...file.passed.keys()]) {
      const isExported = (file.own.get(name) ?? [{ code: 'export' }]).some(({ code }) =>
        code.startsWith('export'),
      );
      if (isExported) need(path, name);
    }
    for (const star of file.stars) all(star);
  };
  for (const entry of entries) all(entry);
  return new Map([...files].map(([path, file]) => [path, textOf(file)]));
}

const PRIVATE = /(?: *\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)? *private (?!constructor)[^\n]*;\n/g;

/** One private member makes the type of a class its own; others would only take room. */
function withOnePrivate(text) {
  let found = 0;
  return text.replace(PRIVATE, (member) => (/private static/.test(member) || found++ > 0 ? '' : member));
}

/** One space a level instead of four, and a line a paragraph of comments: 2 kB of the package. */
const narrower = (text) =>
  text
    .replace(/^( *)\/\*\*\n([\s\S]*?) \*\/$/gm, (_, indent, lines) => withLongLines(indent, lines))
    .replace(/^ {4,}/gm, ({ length }) => ' '.repeat(Math.floor(length / 4) + (length % 4)));

/** The comment with its paragraphs in a line each. An example, with which it may end, is kept. */
function withLongLines(indent, lines) {
  const [, prose, example] = /^([\s\S]*?)((?:\n *\* @example[\s\S]*)?)$/.exec(lines.trimEnd());
  const joined = prose.replace(/(?<=\* *\S.*)\n *\* (?=[^@\-|`])/g, ' ');
  const isShort = example === '' && !joined.includes('\n');
  return isShort
    ? `${indent}/** ${joined.replace(/^ *\* /, '')} */`
    : `${indent}/**\n${joined}${example}\n${indent} */`;
}

function textOf({ statements, kept, bound }) {
  return narrower(
    `${statements
      .flatMap((statement) => {
        if (statement.imports !== undefined) {
          const [, list] = IMPORT.exec(statement.code);
          const used = list.split(',').filter((each) => bound.has(bindings(each)[0]?.to));
          return used.length === 0 ? [] : [statement.code.replace(/\{[^}]*\}/, `{${used.join(',')}}`)];
        }
        return statement.always || kept.has(statement) ? [withOnePrivate(statement.text)] : [];
      })
      .join('\n')}\n`,
  );
}
