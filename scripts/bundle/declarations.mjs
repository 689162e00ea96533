// Declarations for programs: of each file of declarations only the statements to which an entry
// point leads. The rest would be a third of the package.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BEGINNING = /^(?:export|declare|import|interface|type|abstract)\b/;
const STATEMENT = /^(?:export|declare|import|interface|type|abstract|\/\*\*)/;
const IMPORT = /^import (?:type )?\{([^}]*)\} from '([^']+)';$/;
const LIST = /^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;$/;
const STAR = /^export \* from '([^']+)';$/;
export const DECLARED =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function|enum) ([\w$]+)/;
/** Comments before the one of the declaration itself: those of the file. */
const EARLIER_COMMENTS = /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)+(?=\/\*\*)/;
/** A constructor that programs can't call: its parameters lead to types of the library's own. */
const INNER_CONSTRUCTOR = /^( {4}(?:private|protected) constructor)\([\s\S]*?\);$/gm;
/** A class; its parts: what it is called and extends, and its members. */
const CLASS = /^(export declare (?:abstract )?class [^{]*?)(?: implements [^{]*?)? \{\n[\s\S]*^\}$/m;
const OPAQUE = '$1 {\n    #private;\n}';
/** A member of a class that programs can't call, with its comment. */
const INNER_MEMBER =
  /(?: {4}\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)? {4}(?:private|protected) (?!constructor)(?:[^\n]*;\n|[^\n]*\n(?:(?! {4}\S)[^\n]*\n)* {4}\S[^\n]*;\n)/g;

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

  /** `isOpaque`: programs only pass on the objects of its classes. */
  constructor(path, isOpaque) {
    this.path = path;
    const at = (specifier) =>
      specifier.startsWith('.') ? join(dirname(path), specifier.replace(/\.[jt]s$/, '.d.ts')) : undefined;
    for (const text of statementsOf(readFileSync(path, 'utf8'))) {
      const own = text.replace(EARLIER_COMMENTS, '');
      const statement = { text: withoutInner(isOpaque ? own.replace(CLASS, OPAQUE) : own) };
      const code = codeOf(statement.text);
      statement.code = code;
      this.statements.push(statement);
      const [, names, from] = IMPORT.exec(code) ?? [];
      const [, list, source] = LIST.exec(code) ?? [];
      const [, star] = STAR.exec(code) ?? [];
      if (names !== undefined) {
        for (const { from: name, to } of bindings(names))
          this.imported.set(to, { path: at(from), from, name });
      } else if (list !== undefined) {
        const isType = code.startsWith('export type ');
        for (const { from: name, to } of bindings(list))
          this.passed.set(to, { path: source === undefined ? undefined : at(source), name, isType });
      } else if (star !== undefined) {
        this.stars.push(at(star));
      } else {
        const [, name] = DECLARED.exec(code) ?? [];
        // What a module does when it is loaded is not a type.
        if (name !== undefined) this.own.set(name, [...(this.own.get(name) ?? []), statement]);
        else if (!code.startsWith('import ')) throw new Error(`declarations: ${path}: ${code}`);
      }
    }
  }
}

/**
 * One private member makes the type of a class its own. Others would only take room. Protected
 * members stay where a class has type parameters: they keep a `Value<'i64'>` from being a
 * `Value<'i32'>`.
 */
function withoutInner(text) {
  const isGeneric = /^(?:export )?declare (?:abstract )?class \w+</m.test(text);
  let found = text.includes('#private;') ? 1 : 0;
  return text.replace(INNER_CONSTRUCTOR, '$1();').replace(INNER_MEMBER, (member) => {
    const [, word] = /^ {4}(private|protected) /m.exec(member);
    // Not abstract: a class below may have no type parameters, and so not declare it.
    if (isGeneric && word === 'protected') return codeOf(member).replace(' abstract ', ' ').concat('\n');
    return / static /.test(codeOf(member)) || found++ > 0 ? '' : '    #private;\n';
  });
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

/** The statements to which an entry leads, and what it exports. */
export class Reach {
  /** For each file its kept statements. */
  kept = new Map();
  /** For each exported name the file that declares it, its name there, and whether it is a type. */
  exported = new Map();
  #files;

  /**
   * @param {Files} files
   * @param {string} entry
   */
  constructor(files, entry) {
    this.#files = files;
    this.#takeAll(entry);
  }

  #takeAll(path) {
    const file = this.#files.at(path);
    for (const name of [...file.own.keys(), ...file.passed.keys()]) {
      const isExported = (file.own.get(name) ?? [{ code: 'export' }]).some(({ code }) =>
        code.startsWith('export'),
      );
      if (isExported && !this.exported.has(name)) this.exported.set(name, this.#need(path, name));
    }
    for (const star of file.stars) this.#takeAll(star);
  }

  /** Keeps what declares `name`, and returns where that is. */
  #need(path, name) {
    const found = this.#files.find(path, name);
    if (found === undefined) throw new Error(`declarations: ${path} exports no ${name}`);
    const file = this.#files.at(found.path);
    for (const statement of file.own.get(found.name)) this.#use(file, statement);
    return found;
  }

  #use(file, statement) {
    const kept = this.kept.get(file.path) ?? new Set();
    this.kept.set(file.path, kept);
    if (kept.has(statement)) return;
    kept.add(statement);
    for (const name of namesIn(statement.code)) {
      const { path, name: other } = file.imported.get(name) ?? {};
      if (path !== undefined) this.#need(path, other);
      else for (const own of file.own.get(name) ?? []) this.#use(file, own);
    }
  }
}

/** All files of declarations, each read once. */
export class Files {
  #known = new Map();
  #isOpaque;

  constructor(isOpaque) {
    this.#isOpaque = isOpaque;
  }

  at(path) {
    if (!this.#known.has(path)) this.#known.set(path, new File(path, this.#isOpaque(path)));
    return this.#known.get(path);
  }

  /**
   * Where the `name` that `path` exports is declared, and whether only its type is exported;
   * `undefined`: nowhere.
   */
  find(path, name) {
    const file = this.at(path);
    if (file.own.has(name)) return { path, name, isType: false };
    const passed = file.passed.get(name);
    if (passed === undefined) {
      for (const star of file.stars) {
        const found = this.find(star, name);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    const from = passed.path === undefined ? file.imported.get(passed.name) : passed;
    const found = from && this.find(from.path, from.name);
    return found && { ...found, isType: found.isType || passed.isType };
  }
}

/** The names that a code refers to, and those of its members. */
export const namesIn = (code) =>
  new Set([...code.matchAll(/(?<![.\w$])[A-Za-z_$][\w$]*/g)].map(([name]) => name));

/** One space a level instead of four, and a line a paragraph of comments: 2 kB of the package. */
export const narrower = (text) =>
  text
    .replace(/^( *)\/\*\*\n([\s\S]*?) \*\/$/gm, (_, indent, lines) => withLongLines(indent, lines))
    .replace(/^ {4,}/gm, ({ length }) => ' '.repeat(Math.floor(length / 4) + (length % 4)));

/**
 * The comment with its paragraphs in a line each. Code, and the example with which it may end, keep
 * their lines.
 */
function withLongLines(indent, lines) {
  const [, prose, example] = /^([\s\S]*?)((?:\n *\* @example[\s\S]*)?)$/.exec(lines.trimEnd());
  const joined = prose
    .split(/(^ *\* ```\w+\n[\s\S]*?^ *\* ```$)/m)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/(?<=\* *\S.*)\n *\* (?=[^@\-|`])/g, ' ')))
    .join('');
  const isShort = example === '' && !joined.includes('\n');
  return isShort
    ? `${indent}/** ${joined.replace(/^ *\* /, '')} */`
    : `${indent}/**\n${joined}${example}\n${indent} */`;
}
