// Shells stand in the chunk for the classes, functions and kinds of a piece. See src/pieces.ts.
import { valuesOf } from './plan.mjs';

/** The module that stands in the chunk for the module `path` of a piece. */
export async function shellModule(plan, root, path) {
  const piece = plan.home(path);
  const values = await valuesOf(root, path);
  const known = new Map();
  const lines = [];
  for (const name of plan.shells.get(path)) {
    lines.push(`export const ${name} = ${shell(plan, piece, path, name, values[name], known)};`);
    known.set(values[name], name);
  }
  // Objects that stand in others are shells of their own.
  const others = new Set();
  for (const [, from, name] of lines.join('\n').matchAll(/\/\*from (\S+) (\S+)\*\//g)) {
    others.add(`import { ${name} } from ${JSON.stringify(`shell:${from}`)};`);
  }
  return [
    "import { pieces } from 'made:pieces';",
    "import { shellOf } from 'made:code';",
    ...others,
    ...lines,
  ].join('\n');
}

const isClass = (value) =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));

function shell(plan, piece, path, name, value, known) {
  const got = `pieces.get('${piece}').${plan.short(path, name)}`;
  if (isClass(value)) {
    const named = `static { Object.defineProperty(this, 'name', { value: '${name}', configurable: true }); }`;
    const parameters = Array.from({ length: value.length }, (_, index) => `a${index}`).join(', ');
    const build = `constructor(${parameters === '' ? '' : `${parameters}, `}...rest) { return build([...arguments], new.target); }`;
    return `shellOf((build) => class ${name} { ${named} ${build} }, () => pieces.get('${piece}'))`;
  }
  if (typeof value === 'function') {
    if (Object.keys(value).length > 0) throw new Error(`${path}: ${name} has members of its own`);
    return `(...args) => ${got}(...args)`;
  }
  if (typeof value !== 'object' || value === null) return literal(value, `${path}: ${name}`);
  return objectShell({ value, got, piece, path, name, known, plan, isOuter: true });
}

function literal(value, what) {
  if (!['number', 'string', 'boolean', 'undefined'].includes(typeof value)) {
    throw new Error(`${what}: a ${typeof value} can't be used from outside of its piece`);
  }
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

function objectShell({ value, got, piece, path, name, known, plan, isOuter = false }) {
  const what = `${path}: ${name}`;
  if (Array.isArray(value)) return `[${value.map((each) => literal(each, what)).join(', ')}]`;
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error(`${what} is not a plain object`);
  const members = Object.entries(value).map(([key, member]) => {
    if (typeof member === 'function') return `${key}: (...args) => ${got}.${key}(...args)`;
    if (typeof member !== 'object' || member === null) return `${key}: ${literal(member, what)}`;
    const other = known.get(member) ?? plan.kindShell?.(member);
    if (typeof other === 'string') return `${key}: ${other}`;
    if (other !== undefined) return `${key}: ${other.name} /*from ${other.path} ${other.name}*/`;
    return `${key}: ${objectShell({ value: member, got: `${got}.${key}`, piece, path, name, known, plan })}`;
  });
  // While the piece is not loaded, and only then.
  if (isOuter) members.push(`ready: () => pieces.tries('${piece}')`);
  return `{ ${members.join(', ')} }`;
}

/**
 * The text of a module of a piece, in which each class and object that has a shell gives the shell
 * what it has, and is known by it.
 */
export function adopting(plan, path) {
  const { text, tree } = plan.graph.module(path);
  const edits = [];
  for (const { type, declaration } of tree.body) {
    if (type !== 'ExportNamedDeclaration' || declaration == null) continue;
    const { start, end } = declaration;
    if (declaration.type === 'ClassDeclaration') {
      const { name } = declaration.id;
      if (!plan.hasShell(path, name)) continue;
      edits.push({
        from: start,
        to: declaration.id.end,
        text: `const ${name} = $adoptClass($chunk.${plan.short(path, name)}, class`,
      });
      edits.push({ from: end, to: end, text: ');' });
    }
    if (declaration.type === 'VariableDeclaration') {
      for (const { id, init } of declaration.declarations) {
        const isObject = ![
          'Literal',
          'ArrowFunctionExpression',
          'UnaryExpression',
          'BinaryExpression',
        ].includes(init.type);
        if (!plan.hasShell(path, id.name) || !isObject) continue;
        edits.push({
          from: init.start,
          to: init.start,
          text: `$adoptObject($chunk.${plan.short(path, id.name)}, `,
        });
        edits.push({ from: init.end, to: init.end, text: ')' });
      }
    }
  }
  return edited(text, edits);
}

function edited(text, edits) {
  let result = '';
  let at = 0;
  for (const { from, to, text: put } of edits) {
    result += text.slice(at, from) + put;
    at = to;
  }
  return result + text.slice(at);
}
