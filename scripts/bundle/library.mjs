// Library: bundles the compiled modules to the chunk that every program loads, the pieces that it
// loads at need, and the entries for programs and children.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, transform } from 'esbuild';
import { withConstants } from '../constants.mjs';
import { asFunction, withShortLocals } from './code.mjs';
import { Graph, isUnder, PIECES } from './graph.mjs';
import { Thinning } from './maps.mjs';
import { Plan, valuesOf } from './plan.mjs';
import { builtinsOf, COMPILED, withClassNames } from './plugins.mjs';
import { adopting, shellModule } from './shells.mjs';

/**
 * The entries of children, and all else that shares the library's state with the index. Each is a
 * module of `src` and, under the same name, a file of the bundle.
 */
export const ENTRIES = ['entry/pool-worker', 'entry/process', 'entry/thread'];

/** What the chunk needs of the file that loads it, as text. */
const LINKS = 'import:(url)=>import(url),';

/** Of an entry that only loads when another has loaded the chunk. */
const LOADED = 'loaded';

/** The entries that may have a code cache, and where. See src/chunk.ts. */
const CACHES = {
  'entry/pool-worker': LOADED,
  'entry/process': 'readCodeFile($links.url)',
  'entry/thread': "process.getBuiltinModule('node:worker_threads').workerData.lockstep.code",
};

export const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minifyWhitespace: true,
  minifySyntax: true,
  // Node prints the whole source line of an uncaught error.
  lineLimit: 160,
  sourcemap: 'external',
  sourcesContent: false,
  logLevel: 'warning',
};

/**
 * Bundles the library in `root` to `output`. `entries`: the modules that children run, without
 * `.js`. `open`: every module's names cross, for tests. `external`: the modules that stay imports.
 */
export class Library {
  root;
  output;
  plan;
  chunk;
  #options;
  #external;
  #entries;
  #open;
  #thinning;
  #files = {};

  constructor({ root, output, entries, options, external = [], open = false }) {
    this.root = root;
    this.output = output;
    this.#entries = entries;
    this.#options = options;
    this.#external = external;
    this.#open = open;
    this.#thinning = new Thinning(root);
    this.plan = new Plan(
      new Graph(root),
      entries.map((entry) => `${entry}.js`),
      root,
    );
  }

  async write() {
    const { plan, root } = this;
    if (this.#open) {
      for (const path of [...plan.chunk, ...Object.values(plan.pieces).flatMap((modules) => [...modules])]) {
        for (const name of Object.keys(await valuesOf(root, path))) plan.short(path, name);
      }
    }
    plan.exported = Object.keys(await valuesOf(root, 'index.js'));
    const shells = new Map();
    for (const [path, names] of plan.shells) {
      const values = await valuesOf(root, path);
      for (const name of names) shells.set(values[name], { path, name });
    }
    plan.kindShell = (value) => shells.get(value);
    for (const name of Object.keys(PIECES)) await this.#writePiece(name);
    await this.#writeChunk();
    for (const entry of this.#entries) await this.#writeEntry(entry);
    // Like the module of a target: the library by its name, another file, both read and linked.
    this.#writeText(
      'entry/rehearsed.js',
      "import'lockstep';export{openShared}from'../index.js?rehearsed';\n",
    );
    const exported = `export const{${plan.exported.join(',')}}=$names;`;
    this.#writeText('index.js', `${await this.reaching('./')}\n${exported}\n`);
  }

  /** Text of a module in which `$names` are the chunk's; `cache`: the code cache that it has. */
  async reaching(up, cache = undefined) {
    if (cache === LOADED) {
      const symbol = `Symbol.for("lockstep "+new URL(${JSON.stringify(`${up}${this.chunk}`)},import.meta.url).href)`;
      return `const $names=process.getBuiltinModule("node:module")[${symbol}];`;
    }
    const { code } = await transform(
      [
        ...this.#external.map((name, index) => `import * as $external${index} from ${JSON.stringify(name)};`),
        await this.#loading(
          cache?.startsWith('readCodeFile') ? ['loadChunk', 'readCodeFile'] : ['loadChunk'],
        ),
        `const $links = {
          url: new URL(${JSON.stringify(`${up}${this.chunk}`)}, import.meta.url).href,
          ${LINKS}
          ${this.#external.map((name, index) => `${JSON.stringify(name)}: $external${index},`).join('')}
        };
        const $names = loadChunk($links${cache === undefined ? '' : `, ${cache}`});`,
      ].join('\n'),
      { minifyWhitespace: true, minifySyntax: true, lineLimit: 160, target: OPTIONS.target },
    );
    return code.trimEnd();
  }

  /** Functions of `src/chunk.ts`, as text. */
  async #loading(names) {
    const { outputFiles } = await build({
      ...OPTIONS,
      stdin: { contents: `export { ${names.join(', ')} } from './chunk.js';`, resolveDir: this.root },
      minifyIdentifiers: true,
      sourcemap: false,
      lineLimit: 0,
      write: false,
    });
    const [{ text }] = outputFiles;
    return text.replace(/export\s*\{([^}]*)\};/, (_, list) =>
      list.replace(/(\w+) as (\w+)(,?)/g, 'const $2 = $1;'),
    );
  }

  /** An entry for bundlers, which take all pieces in: these find no files at run time. */
  writeWhole(name) {
    const pieces = Object.entries(this.#files);
    this.#writeText(
      name,
      [
        `import $chunk from"./${this.chunk}";`,
        ...pieces.map(([piece, file]) => `import ${piece} from${JSON.stringify(file)};`),
        `const $names=$chunk({url:import.meta.url,${LINKS}});`,
        `$names.$pieces.give({${pieces.map(([piece]) => piece).join(',')}});`,
        `export const{${this.plan.exported.join(',')}}=$names;\n`,
      ].join('\n'),
    );
  }

  /** Each module with the names by which others get at what it exports. */
  modules() {
    const { plan } = this;
    const modules = new Map();
    for (const [key, short] of plan.crossing) {
      const [path, name] = key.split('|');
      const home = plan.home(path);
      const piece = home === 'chunk' || plan.hasShell(path, name) ? undefined : home;
      modules.set(path, [...(modules.get(path) ?? []), { name, short, piece }]);
    }
    return modules;
  }

  /** The result of the chunk's names function, as the text of an object. */
  #offered() {
    const { plan } = this;
    const lines = [];
    const members = [];
    for (const [key, short] of plan.crossing) {
      const [path, name] = key.split('|');
      const isShell = plan.hasShell(path, name);
      if (plan.home(path) !== 'chunk' && !isShell) continue;
      const from = JSON.stringify(isShell ? `shell:${path}` : `module:${path}`);
      lines.push(`import { ${name} as ${short} } from ${from};`);
      members.push(short);
    }
    return { lines, members };
  }

  async #writeChunk() {
    const { plan } = this;
    const { lines, members } = this.#offered();
    const forEntries = new Set();
    for (const modules of Object.values(plan.own)) {
      for (const path of modules) {
        for (const { from, names } of plan.graph.module(path).imports) {
          if (!modules.has(from)) for (const name of names) forEntries.add(plan.short(from, name));
        }
      }
    }
    const contents = [
      "export * from 'module:index.js';",
      "import { pieces } from 'made:pieces';",
      "import { adoptClass as $adoptClass, adoptObject as $adoptObject } from 'made:code';",
      "import { keepCode as $keepCode } from 'module:chunk.js';",
      ...lines,
      'const $import = (url) => import(url);',
      `pieces.offer(() => ({ $import, $adoptClass, $adoptObject, ${members.join(', ')} }));`,
      `export { pieces as $pieces, $keepCode, ${[...forEntries].join(', ')} };`,
    ].join('\n');
    const { code, map } = await this.#bundle(contents, {
      home: 'chunk',
      outside: (path, importer) => {
        if (path === 'made:pieces') {
          const files = JSON.stringify(this.#files);
          return {
            contents: `import { Pieces } from 'made:code'; export const pieces = new Pieces(${files});`,
          };
        }
        if (path === 'made:code') return { file: 'pieces.js' };
        if (path.startsWith('module:')) return { file: path.slice('module:'.length) };
        if (path.startsWith('shell:')) return { shell: path.slice('shell:'.length) };
        const found = plan.graph.resolve(importer, path);
        return plan.home(found) === 'chunk' ? { file: found } : { shell: found };
      },
    });
    const wrapped = asFunction(code, '$links', '');
    this.chunk = this.#name('lockstep', wrapped, 'cjs');
    this.#writeCode(this.chunk, wrapped, map && { ...map, mappings: `;${map.mappings}` });
  }

  async #writePiece(piece) {
    const { plan } = this;
    const exported = plan.exportsOf(piece);
    const contents = exported
      .map(([path, name, short]) => `export { ${name} as ${short} } from 'module:${path}';`)
      .join('\n');
    const inside = plan.pieces[piece];
    const { code, map } = await this.#bundle(contents, {
      home: piece,
      outside: (path, importer) => {
        if (path.startsWith('module:')) return { file: path.slice('module:'.length) };
        const found = plan.graph.resolve(importer, path);
        if (inside.has(found)) return { file: found };
        const home = plan.home(found);
        return { names: found, from: isUnder(piece, home) ? `$get('${home}')` : '$chunk' };
      },
    });
    const wrapped = asFunction(code, '$chunk,$get', 'const{$adoptClass,$adoptObject}=$chunk;');
    const name = this.#name(`lockstep-${piece}`, wrapped, 'cjs');
    this.#files[piece] = `./${name}`;
    // The line before the code.
    this.#writeCode(name, wrapped, map && { ...map, mappings: `;${map.mappings}` });
  }

  async #writeEntry(entry) {
    const { plan } = this;
    const inside = plan.own[`${entry}.js`];
    const up = '../'.repeat(entry.split('/').length - 1) || './';
    const { code } = await this.#bundle(`export * from 'module:${entry}.js';`, {
      home: entry,
      outside: (path, importer) => {
        if (path.startsWith('module:')) return { file: path.slice('module:'.length) };
        const found = plan.graph.resolve(importer, path);
        if (inside.has(found)) return { file: found };
        return { names: found, from: '$names' };
      },
    });
    const names = `${await this.reaching(up, CACHES[entry])}\n`;
    // Its target is the function that it exports. It has no map: its code is in no program's stack.
    this.#writeCode(`${entry}.js`, names + code);
  }

  async #bundle(contents, { home, outside }) {
    const { plan, root } = this;
    const plugin = {
      name: 'library',
      setup: ({ onResolve, onLoad }) => {
        onResolve({ filter: /.*/ }, ({ path, importer, namespace, kind }) => {
          if (kind === 'entry-point' || path.startsWith('node:') || kind === 'dynamic-import')
            return undefined;
          if (namespace === 'names') return { path, external: true };
          const by = namespace === 'file' ? relative(root, importer) : importer;
          if (namespace === 'file' && plan.graph.resolve(by, path) === undefined && !path.includes(':')) {
            return { path, external: true };
          }
          const found = outside(path, by);
          if (found.file === 'memory/atomics.js' && this.#external.includes('#atomics')) {
            return { path: '#atomics', external: true };
          }
          if (found.file !== undefined) return { path: join(root, found.file) };
          if (found.shell !== undefined) return { path: found.shell, namespace: 'shell' };
          if (found.names !== undefined) return { path: found.names, namespace: 'names', pluginData: found };
          return { path, namespace: 'made', pluginData: found };
        });
        onLoad({ filter: /.*/, namespace: 'made' }, ({ pluginData }) => ({ contents: pluginData.contents }));
        onLoad({ filter: /.*/, namespace: 'shell' }, async ({ path }) => ({
          contents: await shellModule(plan, root, path),
        }));
        onLoad({ filter: /.*/, namespace: 'names' }, ({ path, pluginData: { from } }) => ({
          contents: this.#namesModule(home, path, from),
        }));
        onLoad({ filter: COMPILED }, ({ path }) => {
          const module = relative(root, path);
          const text = home in PIECES ? adopting(plan, module) : readFileSync(path, 'utf8');
          return { contents: withClassNames(text) };
        });
      },
    };
    const { outputFiles } = await build({
      ...this.#options,
      stdin: { contents, resolveDir: root, loader: 'js', sourcefile: `file-of-${home.replace('/', '-')}` },
      outfile: join(this.output, 'out.js'),
      write: false,
      plugins: [plugin, builtinsOf(root, this.#open)],
    });
    const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text;
    const bundled = text('out.js').replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n');
    const short = await withShortLocals(bundled, text('.map'), this.#options);
    const { code, shifts } = withConstants(short.code);
    return { code, map: short.map && this.#thinning.thin(JSON.parse(short.map), shifts, this.output) };
  }

  /** Names of another file's, as a module of this one. */
  #namesModule(home, path, from) {
    const { plan } = this;
    const modules = home in PIECES ? plan.pieces[home] : plan.own[`${home}.js`];
    const names = new Set();
    for (const importer of modules) {
      for (const { from: source, names: some } of plan.graph.module(importer).imports) {
        if (source === path) for (const name of some) names.add(name);
      }
    }
    const members = [...names].map((name) => `${plan.short(path, name)}: ${name}`);
    return `export const { ${members.join(', ')} } = ${from};`;
  }

  #name(stem, code, ending) {
    const hash = createHash('sha256').update(code).digest('hex').slice(0, 8).toUpperCase();
    return `${stem}-${hash}.${ending}`;
  }

  #writeCode(name, code, map) {
    if (map === undefined) return this.#writeText(name, code);
    const base = name.split('/').at(-1);
    this.#writeText(name, `${code.trimEnd()}\n//# sourceMappingURL=${base}.map\n`);
    const folder = dirname(join(this.output, name));
    const sources = map.sources.map((source) => relative(folder, join(this.output, source)));
    this.#writeText(`${name}.map`, JSON.stringify({ ...map, sources }));
  }

  #writeText(name, text) {
    const file = join(this.output, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
