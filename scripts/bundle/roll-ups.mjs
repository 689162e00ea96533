// Roll-ups: the declarations in one file an entry, and one for what several entries share. As 160
// small files they would take 12 kB more of the package.
import { dirname, join, relative } from 'node:path';
import { DECLARED, Files, namesIn, Reach } from './declarations.mjs';

/** The file in which several entries find what they share. */
function commonOf(entries) {
  const [folder, ...others] = new Set(entries.map((entry) => dirname(entry)));
  return others.length > 0 || folder === '.' ? 'common' : `${folder}/common`;
}

/**
 * The texts of the declarations, by their paths without `.d.ts`.
 * @param {string} root the folder of all declarations
 * @param {readonly string[]} entries paths there, without `.d.ts`
 * @param {(path: string) => boolean} isOpaque whether programs only pass on the objects of the
 *   file's classes
 * @param {(path: string, text: string, isExported: boolean) => string} shorten what is left of a
 *   statement in that file
 */
export function rolledUp(root, entries, isOpaque, shorten) {
  const files = new Files((path) => isOpaque(relative(root, path)));
  const at = (path) => join(root, `${path}.d.ts`);
  const reaches = new Map(entries.map((entry) => [entry, new Reach(files, at(entry))]));
  const exported = new Set(
    [...reaches.values()].flatMap((reach) =>
      [...reach.exported.values()].flatMap(({ path, name }) => files.at(path).own.get(name)),
    ),
  );
  // By the entries that lead to a statement, it goes into one of the roll-ups.
  const rollUps = new Map(entries.map((entry) => [entry, new RollUp(entry)]));
  const homes = new Map();
  for (const path of new Set([...reaches.values()].flatMap(({ kept }) => [...kept.keys()]))) {
    const file = files.at(path);
    for (const statement of file.statements) {
      const users = entries.filter((entry) => reaches.get(entry).kept.get(path)?.has(statement));
      if (users.length === 0) continue;
      const home = users.length === 1 ? users[0] : commonOf(users);
      if (!rollUps.has(home)) rollUps.set(home, new RollUp(home));
      homes.set(`${path} ${nameOf(statement)}`, rollUps.get(home));
      const text = shorten(relative(root, path), statement.text, exported.has(statement));
      rollUps.get(home).add(file, statement, text);
    }
  }
  const homeOf = ({ path, name }) => homes.get(`${path} ${name}`);
  for (const [entry, { exported }] of reaches) {
    for (const [name, found] of exported) rollUps.get(entry).offer(name, found, homeOf(found));
  }
  for (const rollUp of rollUps.values()) rollUp.link(files, homeOf);
  return new Map([...rollUps].map(([path, rollUp]) => [path, rollUp.text()]));
}

const nameOf = ({ code }) => DECLARED.exec(code)[1];

/** A file of declarations from many. */
class RollUp {
  #path;
  #texts = [];
  /** For each name that is declared in it, the file from which it comes. */
  #declared = new Map();
  #statements = [];
  /** For each file from which it imports, the names. */
  #imports = new Map();
  /** For each form of an export, the names. */
  #exports = new Map();

  constructor(path) {
    this.#path = path;
  }

  add(file, statement, text) {
    const name = nameOf(statement);
    const other = this.#declared.get(name);
    if (other !== undefined && other !== file) {
      throw new Error(`declarations: rename one ${name}: both ${other.path} and ${file.path} have it`);
    }
    this.#declared.set(name, file);
    this.#statements.push({ file, statement });
    this.#texts.push(text.replace(/^export (?=declare |interface |type )/m, ''));
  }

  /** Exports as `name` what `home` declares. */
  offer(name, { name: declared, isType }, home) {
    const from = home === this ? '' : ` from '${this.#pathTo(home)}'`;
    if (home !== this) home.offer(declared, { name: declared }, home);
    const list = `export ${isType ? 'type ' : ''}{}${from};`;
    if (!this.#exports.has(list)) this.#exports.set(list, new Set());
    this.#exports.get(list).add(name === declared ? name : `${declared} as ${name}`);
  }

  #pathTo(other) {
    const path = relative(dirname(this.#path), other.#path);
    return path.startsWith('.') ? `${path}.js` : `./${path}.js`;
  }

  #import(home, name) {
    if (home === this) return;
    home.offer(name, { name }, home);
    this.#importFrom(this.#pathTo(home), name);
  }

  #importFrom(from, name) {
    this.#imports.set(from, (this.#imports.get(from) ?? new Set()).add(name));
  }

  /** Imports what its statements take from other files. */
  link(files, homeOf) {
    for (const { file, statement } of this.#statements) {
      for (const name of namesIn(statement.code)) {
        const imported = file.imported.get(name);
        if (imported !== undefined && imported.name !== name)
          throw new Error(`declarations: ${file.path} renames ${name}`);
        if (imported !== undefined && imported.path === undefined) this.#importFrom(imported.from, name);
        else if (imported !== undefined)
          this.#import(homeOf({ ...files.find(imported.path, name), name }), name);
        else if (file.own.has(name)) this.#import(homeOf({ path: file.path, name }), name);
        else this.#checkGlobal(file, name);
      }
    }
  }

  /** A global such as `Event` must not become the library's of that name. */
  #checkGlobal(file, name) {
    if (!Object.hasOwn(globalThis, name)) return;
    const other = this.#declared.get(name);
    if (other !== undefined) {
      throw new Error(`declarations: ${file.path} means the global ${name}, and ${other.path} declares one`);
    }
  }

  text() {
    const imports = [...this.#imports].map(([from, names]) => `import {${[...names]}} from '${from}';`);
    const exports = [...this.#exports].map(([list, names]) => list.replace('{}', `{${[...names]}}`));
    return `${[...imports, ...this.#texts, ...exports].join('\n')}\n`;
  }
}
