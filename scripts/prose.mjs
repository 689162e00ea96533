// Finds sentences that readers have to read twice, in pages, comments and messages. These are
// sentences of more than 30 words, clauses that begin with a headless "who" or "what", and odd
// words. `node scripts/prose.mjs` counts them, `--list` shows each, further words select files by
// path.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const LONGEST = 30;
const NOT_OURS = new Set(['node_modules', 'dist', 'build', 'coverage']);
const SOURCE = /\.(ts|js|mjs)$/;
/** Words that stand for an actor without naming it, as in `Who holds it may …`, `by who puts`. */
const HEADLESS =
  /^(?:\W*)(?:Who|What|Whose)\b(?![^?]*\?$)|\b(?:by|of|for|from|to|with|than|after|but) who\b(?! (?:is|are) (?:next|first)\b)/;

/** The same in a clause after a colon or semicolon, as in `Ring: what lies in it`. */
const HEADLESS_LATER = /^(?:who|what|whose)\b(?! (?:to|if)\b)(?![^?]*\?)/;
/** Words of our own that no reader expects; the comment names the usual ones. */
const ODD = new RegExp(
  [
    'for ever\\b', // forever
    'any more\\b', // no longer
    'anew\\b', // again
    'who(?:m)?ever\\b', // the actor's name
    '(?:is|are|was|were|be|been|gets?) told\\b', // reports, throws, gets an error
    'surely\\b', // certainly
    'brothers?\\b', // another function, another object
    'hears? (?:of|from)\\b', // notices
  ]
    .map((word) => `\\b${word}`)
    .join('|'),
  'i',
);

/**
 * @typedef {object} Finding
 * @property {string} path
 * @property {number} line
 * @property {'long' | 'headless' | 'odd'} kind
 * @property {string} text
 */

/**
 * All sentences of the repository's prose that break a rule.
 * @param {string[]} words
 * @returns {Finding[]}
 */
export function findings(words = []) {
  return files('.')
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
    .flatMap((path) => judge(path, textsOf(path)));
}

/** Which part of the prose a file belongs to. @param {string} path */
export function partOf(path) {
  if (path.endsWith('.md')) return path.startsWith('docs/decisions') ? 'decisions' : 'pages';
  return path.split('/', 1)[0] ?? path;
}

/** @param {string} folder @returns {string[]} */
function files(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    // A changelog describes the past, and a page in another language has other rules.
    if (/CHANGELOG|\.zh-CN\.md$/.test(path)) return [];
    return path.endsWith('.md') || SOURCE.test(path) ? [relative('.', path)] : [];
  });
}

/**
 * The texts of a file, each with the line on which it begins.
 * @param {string} path
 * @returns {{ line: number, text: string }[]}
 */
function textsOf(path) {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  return path.endsWith('.md') ? paragraphsOf(lines, 1) : commentsAndMessages(path, lines);
}

/** @param {string[]} lines @param {number} first */
function paragraphsOf(lines, first) {
  /** @type {{ line: number, text: string }[]} */
  const found = [];
  let fenced = false;
  let open = false;
  for (const [index, line] of lines.entries()) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    const text = line.trim();
    if (fenced || text === '' || /^(```|#|<|\[.*\]:|@|---)/.test(text)) {
      open = false;
    } else if (text.startsWith('|')) {
      open = false;
      for (const cell of text.split('|')) found.push({ line: first + index, text: cell.trim() });
    } else if (!open || /^([-*•]|\d+\.|>)\s/.test(text) || /\S {2,}\S/.test(text)) {
      // A new paragraph, an item of a list, or a row of a table in a comment.
      for (const part of text.split(/ {2,}/)) found.push({ line: first + index, text: part });
      open = true;
    } else {
      const last = found.at(-1);
      if (last !== undefined) last.text += ` ${text}`;
    }
  }
  return found;
}

/** @param {string} path @param {string[]} lines */
function commentsAndMessages(path, lines) {
  /** @type {{ line: number, text: string }[]} */
  const found = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const single = /^\s*\/\*\*? (.*?) ?\*\/$/.exec(line)?.[1];
    if (single !== undefined) found.push({ line: index + 1, text: single });
    else if (/^\s*\/\*\*?$/.test(line)) {
      const end = lines.findIndex((other, at) => at > index && /\*\/$/.test(other));
      const body = lines.slice(index + 1, end).map((other) => other.replace(/^\s*\* ?/, ''));
      found.push(...paragraphsOf(withoutExamples(body), index + 2));
      index = end;
    } else if (/^\s*\/\/ /.test(line)) {
      let end = index;
      while (/^\s*\/\//.test(lines[end] ?? '')) end++;
      const body = lines.slice(index, end).map((other) => other.replace(/^\s*\/\/ ?/, ''));
      found.push(...paragraphsOf(body, index + 1));
      index = end - 1;
    } else if (path.startsWith('src/') || path.startsWith('tests/')) {
      for (const [, , text = ''] of line.matchAll(/(['"`])((?:\\.|(?!\1).)*)\1/g))
        if (text.split(' ').length > 4) found.push({ line: index + 1, text });
    }
  }
  return found;
}

/** A docstring's lines with those of its examples blanked. @param {string[]} lines */
function withoutExamples(lines) {
  let inside = false;
  return lines.map((line) => {
    if (line.startsWith('@')) inside = line.startsWith('@example');
    return inside ? '' : line;
  });
}

/** @param {string} path @param {{ line: number, text: string }[]} texts @returns {Finding[]} */
function judge(path, texts) {
  return texts.flatMap(({ line, text }) =>
    sentencesOf(text).flatMap((sentence) => {
      /** @type {Finding[]} */
      const found = [];
      const clauses = sentence.split(/(?<=[:;])\s+/);
      if (sentence.split(/\s+/).filter((word) => /\w/.test(word)).length > LONGEST)
        found.push({ path, line, kind: 'long', text: sentence });
      for (const [index, clause] of clauses.entries())
        if (HEADLESS.test(clause) || (index > 0 && HEADLESS_LATER.test(clause)))
          found.push({ path, line, kind: 'headless', text: clause });
      if (oddIn(sentence)) found.push({ path, line, kind: 'odd', text: sentence });
      return found;
    }),
  );
}

/** Whether the sentence has an odd word. @param {string} sentence */
export function oddIn(sentence) {
  return ODD.test(sentence);
}

/** @param {string} text */
function sentencesOf(text) {
  return text
    .replace(/`[^`]*`/g, 'CODE')
    .replace(/\$\{[^}]*\}/g, 'VALUE')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .split(/(?<=[.!?][)"*]*)\s+/);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const found = findings(words);
  if (process.argv.includes('--list'))
    for (const { path, line, kind, text } of found) console.log(`${path}:${line}: ${kind}: ${text}`);
  /** @type {Record<string, { long: number, headless: number, odd: number }>} */
  const counts = {};
  for (const { path, kind } of found) {
    const part = partOf(path);
    counts[part] ??= { long: 0, headless: 0, odd: 0 };
    counts[part][kind]++;
  }
  console.table(counts);
}
