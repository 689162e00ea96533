// Plugins: what esbuild is to do with the modules of the library and of Node's.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Modules of which the cluster's programs see the classes. */
const SEEN = /[/\\]build[/\\]src[/\\](?:errors|cluster[/\\](?:cluster|objects[/\\][\w-]+))\.js$/;
export const COMPILED = /[/\\]build[/\\]src[/\\].*\.js$/;

/**
 * esbuild calls a class that refers to itself `_Lock`. Those get their names back: a static block
 * each, which takes 15 µs of a start.
 */
export function withClassNames(text) {
  return text.replace(/^(?:export )?class (\w+)[^\n]*\{$/gm, (head, name, at) => {
    const end = text.indexOf('\n}', at);
    const refersToItself = new RegExp(`\\b${name}\\b`).test(text.slice(at + head.length, end));
    if (!refersToItself) return head;
    return `${head} ${named(name)}`;
  });
}

export const classNames = {
  name: 'class-names',
  setup({ onLoad }) {
    onLoad({ filter: COMPILED }, ({ path }) => ({ contents: withClassNames(readFileSync(path, 'utf8')) }));
  },
};

/** The same, where identifiers are shortened: programs see the names of errors and objects. */
export const exportedNames = {
  name: 'exported-names',
  setup({ onLoad }) {
    onLoad({ filter: SEEN }, ({ path }) => ({ contents: withExportedNames(readFileSync(path, 'utf8')) }));
  },
};

function withExportedNames(text) {
  return text.replace(/^export class (\w+)[^\n]*\{$/gm, (head, name) => `${head} ${named(name)}`);
}

function named(name) {
  return `static { Object.defineProperty(this, 'name', { value: '${name}', configurable: true }); }`;
}

/** The module's function of this name at the moment of the call: a test may replace it. */
const asked = (name) => `export const ${name} = (...args) => found.${name}(...args);`;

/**
 * Modules of Node's come from `process.getBuiltinModule`: an import of `node:fs` costs 4 ms, as
 * Node makes all that it exports for it, streams included. `isOpen`: the crash walks replace
 * functions of `node:fs`.
 */
export function builtinsOf(root, isOpen = false) {
  return {
    name: 'builtins',
    setup({ onResolve, onLoad }) {
      const names = new Map();
      for (const file of readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.js'))) {
        const source = readFileSync(join(root, file), 'utf8');
        for (const [, imported, module] of source.matchAll(/^import \{([^}]*)\} from '(node:[\w/]+)';$/gm)) {
          const known = names.get(module) ?? new Set();
          for (const name of imported.split(',')) known.add(name.trim().split(' ')[0]);
          names.set(module, known);
        }
      }
      onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin', sideEffects: false }));
      onLoad({ filter: /.*/, namespace: 'builtin' }, async ({ path }) => {
        const all = [...(names.get(path) ?? [])].filter((name) => name !== '');
        const module = (await import(path)).default;
        const isAsked = (name) => isOpen && path === 'node:fs' && typeof module[name] === 'function';
        return {
          contents: `
            const found = process.getBuiltinModule(${JSON.stringify(path)});
            ${all.filter(isAsked).map(asked).join('\n')}
            export const { ${all.filter((name) => !isAsked(name)).join(', ')} } = found;
            export default found;`,
        };
      });
    },
  };
}
