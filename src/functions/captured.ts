/**
 * Captured: the variables that a function uses from the functions around it, as text that another
 * process can compare.
 *
 * Two functions of one factory differ in nothing else. The text leaves out parts that may
 * legitimately differ between processes: variables that are assigned later (counters, caches), and
 * the contents of objects other than plain, unchanged ones.
 */

import { digestOf } from './digest.ts';
import type { Inspector, Property, Remote } from './inspector.ts';

/** Variables that are compared, at most. */
const MOST_VARIABLES = 32;
/** Properties of a plain object that are compared, at most. */
const MOST_PROPERTIES = 32;
/** `+=` and its like, in a regular expression. */
const COMPOUND = '(?:[-+*/%&|^]|\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?)=';

/** The values of `variables` by name, as text. `source` is the script that they were written in. */
export function capturedValues(
  inspector: Inspector,
  variables: readonly Property[],
  source: string,
): Record<string, string> {
  const captured: Record<string, string> = {};
  for (const { name, value } of variables.slice(0, MOST_VARIABLES)) {
    // The innermost of several variables of one name is the one that the function sees.
    if (value === undefined || Object.hasOwn(captured, name) || isReassigned(name, source, 'declared'))
      continue;
    captured[name] = textOf(inspector, value, isChanged(name, source) ? 0 : 1);
  }
  return captured;
}

/**
 * Whether a variable is assigned again after it got its value, as far as the source's text shows.
 *
 * @param first whether its first value must come with its declaration, or may come from an
 * assignment
 */
export function isReassigned(name: string, source: string, first: 'declared' | 'assigned'): boolean {
  const variable = `(?<![\\p{ID_Continue}$.#])${escaped(name)}(?![\\p{ID_Continue}$])`;
  const simple = `${variable}\\s*=(?![=>])`;
  const counted = (pattern: string): number => source.match(new RegExp(pattern, 'gu'))?.length ?? 0;
  const declarations = counted(`(?:\\b(?:const|let|var)\\s+|[,(]\\s*)${simple}`);
  const changes = counted(`${variable}\\s*(?:\\+\\+|--|${COMPOUND}(?!=))|(?:\\+\\+|--)\\s*${variable}`);
  const allowed = declarations === 0 && first === 'assigned' ? 1 : declarations;
  return changes + counted(simple) > allowed;
}

/** Whether a function's text is that of an arrow function. */
export function isArrow(text: string): boolean {
  return /^(?:async\b\s*)?(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u.test(text);
}

/**
 * Whether the object in a variable is changed after it was made, as far as the source's text shows.
 */
function isChanged(name: string, source: string): boolean {
  const member = `(?<![\\p{ID_Continue}$.#])${escaped(name)}(?:\\??\\.[\\p{ID_Continue}$#]+|\\[[^\\]]*\\])+`;
  const change = `\\s*(?:${COMPOUND}|=(?![=>])|\\+\\+|--|\\()`;
  return new RegExp(`${member}${change}|(?:\\+\\+|--|delete)\\s*${member}`, 'u').test(source);
}

function textOf(inspector: Inspector, value: Remote, depth: number): string {
  const { type, className, description = '', objectId } = value;
  if (type === 'function') return `function ${digestOf(description)}`;
  if (type !== 'object' || objectId === undefined) {
    return `${type} ${digestOf(value.unserializableValue ?? (description || JSON.stringify(value.value) || ''))}`;
  }
  if (depth === 0 || !(description === 'Object' || className === 'Array')) return `object ${className}`;
  const properties = inspector.properties(objectId).own.slice(0, MOST_PROPERTIES);
  const inner = properties.flatMap(({ name, value: each }) =>
    each === undefined ? [] : [`${name}=${textOf(inspector, each, depth - 1)}`],
  );
  return `object ${digestOf(inner.join())}`;
}

/** A variable's name in a regular expression. */
function escaped(name: string): string {
  return name.replaceAll('$', '\\$');
}
