// Graph: the compiled modules of the library, what each imports, and which piece each belongs to.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse } from 'acorn';

/** The pieces that a program loads when it first needs them. A piece is built on its base. */
export const PIECES = {
  // But for what each child needs.
  codec: { modules: /^codec\/(?!plain|read-clone|sendable|v8)/ },
  messages: { modules: /^messaging\//, base: 'codec' },
  shared: { modules: /^shared\// },
  turns: { modules: /^sync\/(?:(?:barrier|condition|rwlock|semaphore)\/|event|latch)/ },
  // The parent's side of processes and threads.
  children: {
    modules:
      /^(?:functions\/(?!resolving|digest)|workers\/(?:process\/(?:process|spares?|spawn-node|startup|warm)|thread\/(?:address-space|thread)|child|children|code|launch|node-options|origin|place|processors|target|timer)\.js$)/,
  },
  // The side of a pool's workers, and the pool's own.
  work: {
    modules:
      /^pool\/(?:chunk-work|current-task|function-list|intake|messages|printing|rehearsal|replies|restoring|sealed|slot-words|task-runner|task-table|thenable|worker|worker-orders|worker-words)\.js$/,
    base: 'messages',
  },
  pool: { modules: /^pool\//, base: 'work' },
};

/** The piece whose files a module is one of; `undefined`: it belongs to the chunk of all. */
export function pieceOf(module) {
  return Object.keys(PIECES).find((name) => PIECES[name].modules.test(module));
}

/** Whether code in `piece` gets at the names of `other` without a shell. */
export function isUnder(piece, other) {
  for (let at = PIECES[piece]?.base; at !== undefined; at = PIECES[at].base) if (at === other) return true;
  return false;
}

/** Modules that the package's import map names: `#atomics` and the like. */
const MAPPED = { '#atomics': 'memory/atomics.js', '#clock': 'clock.js', '#park': 'memory/park.js' };

/** Reads modules, each once. */
export class Graph {
  #root;
  #modules = new Map();

  constructor(root) {
    this.#root = root;
  }

  /** Its text, its syntax tree, and what it imports from other modules of the library. */
  module(path) {
    const known = this.#modules.get(path);
    if (known !== undefined) return known;
    const text = readFileSync(join(this.#root, path), 'utf8');
    const tree = parse(text, { ecmaVersion: 'latest', sourceType: 'module' });
    const imports = [];
    for (const { type, source, specifiers } of tree.body) {
      const from = source == null ? undefined : this.resolve(path, source.value);
      if (from === undefined) continue;
      const isAll =
        type === 'ExportAllDeclaration' ||
        specifiers.some((each) => each.type === 'ImportNamespaceSpecifier');
      const names = isAll
        ? this.exportsOf(from)
        : specifiers.map(({ imported, local }) => (imported ?? local).name);
      imports.push({ from, names });
    }
    const module = { text, tree, imports };
    this.#modules.set(path, module);
    return module;
  }

  /** The names of what a module declares and exports. */
  exportsOf(path) {
    return this.module(path).tree.body.flatMap(({ type, declaration }) => {
      if (type !== 'ExportNamedDeclaration' || declaration == null) return [];
      return declaration.declarations?.map(({ id }) => id.name) ?? [declaration.id.name];
    });
  }

  /** The module that `path` gets at by `source`; `undefined`: none of the library. */
  resolve(path, source) {
    if (source.startsWith('.')) return relative(this.#root, join(this.#root, dirname(path), source));
    return MAPPED[source];
  }

  /** The modules to which `entries` lead; `enters` says whether one is gone into. */
  reach(entries, enters = () => true) {
    const reached = new Set();
    const follow = (path) => {
      if (reached.has(path) || !enters(path)) return;
      reached.add(path);
      for (const { from } of this.module(path).imports) follow(from);
    };
    for (const entry of entries) follow(entry);
    return reached;
  }
}
