// Plan: which module goes into which file of the bundle, and which names go from file to file.
//
// A module of no piece that two pieces need, or a piece and the chunk, is the chunk's: there must
// be one instance of it. Code that only an entry for children needs lies in that entry's file.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isUnder, PIECES, pieceOf } from './graph.mjs';

/** Entries of which each thread runs one at most: both may have a module of their own. */
const ALTERNATIVES = new Set();

export class Plan {
  graph;
  entries;
  /** Modules of the chunk that every program loads. */
  chunk;
  /** For each piece its modules. */
  pieces;
  /** For each entry of a child the modules that nobody else has. */
  own;
  /** Names that cross from one file to another: `path|name`, with the short name each. */
  crossing = new Map();
  /** Names of pieces that others see as shells: `path` with its names. */
  shells = new Map();

  constructor(graph, entries, root) {
    this.graph = graph;
    this.entries = entries;
    const all = readdirSync(root, { recursive: true }).filter((path) => path.endsWith('.js'));
    const known = graph.reach(['index.js', ...entries, ...all.filter((path) => pieceOf(path) !== undefined)]);
    const shared = new Set(['index.js', 'pieces.js', 'chunk.js']);
    do this.#divide(shared, known);
    while (this.#moveShared(shared));
    this.#cross();
  }

  #divide(shared, known) {
    const { graph, entries } = this;
    this.chunk = graph.reach(shared, (path) => pieceOf(path) === undefined);
    const isFree = (path) => pieceOf(path) === undefined && !this.chunk.has(path);
    this.pieces = {};
    for (const name of Object.keys(PIECES)) {
      const roots = [...known].filter((path) => pieceOf(path) === name);
      this.pieces[name] = graph.reach(roots, (path) => pieceOf(path) === name || isFree(path));
    }
    this.own = Object.fromEntries(entries.map((entry) => [entry, graph.reach([entry], isFree)]));
  }

  /** Moves to the chunk what two pieces have, or a piece and an entry. Returns whether it did. */
  #moveShared(shared) {
    const owners = new Map();
    const note = (owner, modules) => {
      for (const path of modules) owners.set(path, (owners.get(path) ?? new Set()).add(owner));
    };
    for (const [name, modules] of Object.entries(this.pieces)) note(name, modules);
    for (const [entry, modules] of Object.entries(this.own)) {
      note(ALTERNATIVES.has(entry) ? 'process or thread' : entry, modules);
    }
    const more = [...owners].filter(([, names]) => names.size > 1).map(([path]) => path);
    for (const path of more) shared.add(path);
    return more.length > 0;
  }

  #cross() {
    for (const [name, modules] of Object.entries(this.pieces)) this.#crossFrom(name, modules);
    for (const modules of Object.values(this.own)) this.#crossFrom('entry', modules);
    this.#crossFrom('chunk', this.chunk);
  }

  #crossFrom(file, modules) {
    for (const path of modules) {
      for (const { from, names } of this.graph.module(path).imports) {
        const home = this.home(from);
        if (modules.has(from) || home === undefined) continue;
        for (const name of names) {
          if (file !== 'chunk' || home !== 'chunk') this.short(from, name);
          if (home === 'chunk' || isUnder(file, home)) continue;
          this.shells.set(from, (this.shells.get(from) ?? new Set()).add(name));
        }
      }
    }
  }

  /** The file that a module is in: a piece's name, `chunk`, or `undefined` for an entry's own. */
  home(path) {
    if (this.chunk.has(path)) return 'chunk';
    return Object.keys(this.pieces).find((name) => this.pieces[name].has(path));
  }

  /** The name under which `name` of a module crosses to another file. */
  short(path, name) {
    const key = `${path}|${name}`;
    const known = this.crossing.get(key);
    if (known !== undefined) return known;
    const short = `$${this.crossing.size}`;
    this.crossing.set(key, short);
    return short;
  }

  /** The names of a file that cross to another, as [path, name, short]. */
  exportsOf(file) {
    return [...this.crossing].flatMap(([key, short]) => {
      const [path, name] = key.split('|');
      return this.home(path) === file ? [[path, name, short]] : [];
    });
  }

  hasShell(path, name) {
    return this.shells.get(path)?.has(name) ?? false;
  }
}

/** The exports of a module after it has run. */
export async function valuesOf(root, path) {
  return await import(pathToFileURL(join(root, path)).href);
}
