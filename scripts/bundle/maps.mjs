// Maps: of the source maps what stacks need.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';

/** Words before a parenthesis that is not a call's. */
const WORDS = /\b(?:if|while|for|switch|catch|return|typeof)\s*\(/g;
/** What calls or throws, and the beginnings of functions and classes. */
const LOUD =
  /[\w$\])>]\s*\(|\b(?:new|throw|await|yield|of|extends|get|set|static)\b|`|\.\.\.|=>|\[Symbol|^\s*\./;
const ACCESSOR = /^ +(?:static )?[gs]et (\w+)\(/gm;
const NAME = /[A-Za-z_$][\w$]*/g;

/** Thins the maps of what is compiled to the folder `modules`. */
export class Thinning {
  /** The names of accessors: a line that reads one may be in a stack, too. */
  #accessors = new Set();
  #sources = new Map();

  constructor(modules) {
    for (const path of readdirSync(modules, { recursive: true })) {
      if (!path.endsWith('.js')) continue;
      for (const [, name] of readFileSync(join(modules, path), 'utf8').matchAll(ACCESSOR))
        this.#accessors.add(name);
    }
  }

  /**
   * A stack needs the line of the source, and where in the bundle it begins. All other columns are
   * most of a map, and left out, and so are lines on which nothing is called. A fault of the
   * library there, such as a property of `undefined`, is reported at the line before. `shifts`:
   * which columns were moved since the map was made. `folder`: from where the sources are named.
   */
  thin(map, shifts, folder) {
    const texts = map.sources.map((source) => this.#linesOf(join(folder, source)));
    const mappings = decode(map.mappings).map((segments, number) => {
      let [file, line] = [-1, -1];
      const kept = segments.filter((segment) => {
        const isSame = segment[1] === file && segment[2] === line;
        if (isSame || this.#isQuiet(texts[segment[1]]?.[segment[2]])) return false;
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

  /** Whether nothing is called on the line. */
  #isQuiet(line) {
    if (line === undefined) return false;
    const code = line.replace(/\/\/.*$|^\s*\/?\*.*$/, '').replace(WORDS, ' ');
    return !LOUD.test(code) && !(code.match(NAME) ?? []).some((name) => this.#accessors.has(name));
  }

  /** The lines of a source; none of one that the bundle makes itself. */
  #linesOf(path) {
    if (!this.#sources.has(path))
      this.#sources.set(path, existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []);
    return this.#sources.get(path);
  }
}
