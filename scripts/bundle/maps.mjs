// Maps: of the source maps what stacks need.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';

/**
 * Lines on which nothing is called and nothing can throw, so that no stack names them: brackets,
 * `return x;`, fields of a type, constants.
 */
const QUIET =
  /^\s*(?:[\])};,]*(?:\s*else)?\s*\{?|(?:return|break|continue)(?: [\w$]+)?;|(?:(?:private|protected|public|static|readonly|declare) )*[#\w$]+[?!]?: [^=()]*;|(?:case [\w$.]+|default):|let [\w$]+(?:: [^=]+)?;|(?:export )?const [\w$]+ = (?:-?[\w]+|'[^']*');)\s*(?:\/\/.*)?$/;

/**
 * A stack needs the line of the source, and where in the bundle it begins. All other columns are
 * most of a map, and left out, and so are lines that no stack names. `shifts`: which columns were
 * moved since the map was made. `folder`: from where the sources are named.
 */
export function thin(map, shifts, folder) {
  const texts = map.sources.map((source) => linesOf(join(folder, source)));
  const mappings = decode(map.mappings).map((segments, number) => {
    let [file, line] = [-1, -1];
    const kept = segments.filter((segment) => {
      const isSame = segment[1] === file && segment[2] === line;
      if (isSame || QUIET.test(texts[segment[1]]?.[segment[2]] ?? '?')) return false;
      [, file = -1, line = -1] = segment;
      return true;
    });
    return kept.map(([column, file, line, sourceColumn]) => {
      const before = (shifts.get(number) ?? []).filter((shift) => shift.column <= column);
      const at = before.reduce((sum, { moved }) => sum + moved, column);
      return sourceColumn === undefined ? [at] : [at, file, line, 0];
    });
  });
  // A stack names functions by the bundle's names, which are those of the source.
  return { ...map, names: [], mappings: encode(mappings) };
}

const known = new Map();

/** The lines of a source; none of one that the bundle makes itself. */
function linesOf(path) {
  if (!known.has(path)) known.set(path, existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []);
  return known.get(path);
}
