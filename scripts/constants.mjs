// Constants: esbuild makes `var` of every `const` and `class` at the top of the modules that it
// bundles. V8 reads a `var` each time; a `const` it takes as the value that it is, when it compiles
// what runs often. Putting an object into a queue and taking it out is a seventh faster by that.
import { parse } from 'acorn';

const CONST = 'const ';
const VAR = 'var ';

/**
 * `code` with each `var` at its top level that nothing assigns to as a `const`, and where columns
 * were shifted by that.
 */
export function withConstants(code) {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  const assigned = assignedNames(program);
  const edits = [];
  for (const { type, kind, declarations, start: first } of program.body) {
    if (type !== 'VariableDeclaration' || kind !== 'var') continue;
    let before;
    for (const [index, { id, init, start }] of declarations.entries()) {
      const isConstant = init !== null && namesIn(id).every((name) => !assigned.has(name));
      const word = isConstant ? CONST : VAR;
      const end = declarations[index - 1]?.end;
      if (index === 0) edits.push({ from: first, to: start, text: word });
      else if (word !== before) edits.push({ from: end, to: start, text: gap(code, end, start) + word });
      before = word;
    }
  }
  let result = '';
  let at = 0;
  for (const { from, to, text } of edits) {
    result += code.slice(at, from) + text;
    at = to;
  }
  return { code: result + code.slice(at), shifts: shiftsOf(code, edits) };
}

/** The text between two declarations, maybe a new line, with their comma replaced. */
function gap(code, from, to) {
  return code.slice(from, to).replace(',', ';');
}

/** For each line, from which column on it moved by how much. */
function shiftsOf(code, edits) {
  const shifts = new Map();
  for (const { from, to, text } of edits) {
    const line = code.slice(0, to).split('\n').length - 1;
    const column = to - (code.lastIndexOf('\n', to - 1) + 1);
    const moved = text.length - (to - from);
    shifts.set(line, [...(shifts.get(line) ?? []), { column, moved }]);
  }
  return shifts;
}

/** Names that something assigns to, of whichever variable: inner ones have the same names. */
function assignedNames(program) {
  const names = new Set();
  const visit = (node) => {
    if (node.type === 'AssignmentExpression') for (const name of namesIn(node.left)) names.add(name);
    if (node.type === 'UpdateExpression') for (const name of namesIn(node.argument)) names.add(name);
    if (node.type === 'ForInStatement' || node.type === 'ForOfStatement') {
      if (node.left.type !== 'VariableDeclaration') for (const name of namesIn(node.left)) names.add(name);
    }
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (typeof each?.type === 'string') visit(each);
      }
    }
  };
  visit(program);
  return names;
}

/** Names in a pattern. */
function namesIn(pattern) {
  if (pattern === null) return [];
  if (pattern.type === 'Identifier') return [pattern.name];
  if (pattern.type === 'ObjectPattern') {
    return pattern.properties.flatMap((property) => namesIn(property.value ?? property.argument));
  }
  if (pattern.type === 'ArrayPattern') return pattern.elements.flatMap(namesIn);
  if (pattern.type === 'AssignmentPattern') return namesIn(pattern.left);
  return pattern.type === 'RestElement' ? namesIn(pattern.argument) : [];
}
