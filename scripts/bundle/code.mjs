// Code: makes the text of a bundled file from what esbuild has bundled.
import { parse } from 'acorn';
import { transform } from 'esbuild';

/**
 * Shortens the names inside functions. Names of the file's own scope stay, so that stacks and
 * classes keep theirs: esbuild leaves these alone in a script, which could share them with others.
 */
export async function withShortLocals(module, map, { minifyWhitespace, minifySyntax, lineLimit, target }) {
  const { body } = parse(module, { ecmaVersion: 'latest', sourceType: 'module' });
  const [before, after] = [[], []];
  let script = module;
  // Blank out imports and exports: other code keeps its place.
  for (const node of body) {
    if (node.type !== 'ImportDeclaration' && !node.type.startsWith('Export')) continue;
    const statement = module.slice(node.start, node.end);
    if (node.declaration) throw new Error(`bundle: an export must only name what it exports: ${statement}`);
    (node.type === 'ImportDeclaration' ? before : after).push(statement.replaceAll('\n', ''));
    script = script.slice(0, node.start) + statement.replace(/[^\n]/g, ' ') + script.slice(node.end);
  }
  if (map !== undefined) {
    const text = Buffer.from(map).toString('base64');
    script += `\n//# sourceMappingURL=data:application/json;base64,${text}\n`;
  }
  const short = await transform(script, {
    ...{ minifyWhitespace, minifySyntax, lineLimit, target },
    minifyIdentifiers: true,
    sourcemap: map === undefined ? false : 'external',
    sourcesContent: false,
    logLevel: 'warning',
  });
  const head = before.length === 0 ? '' : `${before.join('')}\n`;
  return {
    code: `${head}${short.code.trimEnd()}\n${after.join('')}\n`,
    map: map && (head === '' ? short.map : withLineBefore(short.map)),
  };
}

function withLineBefore(map) {
  const parsed = JSON.parse(map);
  return JSON.stringify({ ...parsed, mappings: `;${parsed.mappings}` });
}

/**
 * A module's code as a function, with `parameters` and `beginning`, that returns what the module
 * exports.
 */
export function asFunction(code, parameters, beginning) {
  const { body } = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const edits = [];
  for (const node of body) {
    const { start: from, end: to } = node;
    if (node.type === 'ExportNamedDeclaration') {
      const members = node.specifiers.map(({ local, exported }) =>
        exported.name === local.name ? local.name : `${exported.name}:${local.name}`,
      );
      edits.push({ from, to, text: `return{${members.join(',')}};` });
    }
    if (node.type === 'ImportDeclaration') {
      const members = node.specifiers.map(({ local, imported }) => `${imported.name}:${local.name}`);
      edits.push({
        from,
        to,
        text: `const{${members.join(',')}}=$links[${JSON.stringify(node.source.value)}];`,
      });
    }
  }
  // By the syntax, because messages have the same words in their texts.
  const importing = parameters === '$links' ? '$links.import' : '$chunk.$import';
  for (const { type, start: from, end: to } of nodesIn(body)) {
    if (type === 'ImportExpression') edits.push({ from, to: from + 'import'.length, text: importing });
    if (type === 'MetaProperty') edits.push({ from, to, text: '$links' });
  }
  edits.sort((a, b) => b.from - a.from);
  let text = code;
  for (const { from, to, text: put } of edits) text = text.slice(0, from) + put + text.slice(to);
  // In parentheses: V8 compiles it at once, and does not read it twice.
  return `module.exports=(function(${parameters}){"use strict";${beginning}\n${text.trimEnd()}\n});\n`;
}

/** The nodes of a syntax tree, but for those of `new.target`. */
function nodesIn(tree) {
  const [open, found] = [[tree], []];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (part.meta?.name === 'new') continue;
    if (typeof part.type === 'string') found.push(part);
    for (const inner of Object.values(part))
      if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return found;
}
