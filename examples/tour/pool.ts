// Pool: the Mandelbrot set, one row per call, first in one process and then in one process per
// core. `map` cuts the rows into chunks. Workers that have finished take rows from a chunk that
// takes long, so all cores finish together.

import { cpuCount, isMainProcess, Pool, range } from 'lockstep';
import { check, paint } from './check.ts';

const WIDTH = 78;
const HEIGHT = 26;
/** Points that are computed for each one that is drawn, in both directions. */
const FINE = 5;
const DEPTH = 20_000;
const SHADES = ' .:-=+*#%@';

/** How many steps it takes until the point is known to be outside. */
function stepsAt(x: number, y: number): number {
  let [re, im] = [0, 0];
  let steps = 0;
  while (steps < DEPTH && re * re + im * im < 4) {
    [re, im] = [re * re - im * im + x, 2 * re * im + y];
    steps++;
  }
  return steps;
}

export function row(number: number): Uint16Array {
  const points = new Uint16Array(WIDTH * FINE);
  const y = (number / (HEIGHT * FINE)) * 2.4 - 1.2;
  for (let column = 0; column < points.length; column++)
    points[column] = stepsAt((column / points.length) * 3.2 - 2.2, y);
  return points;
}

async function draw(processes: number, label: string): Promise<{ rows: Uint16Array[]; seconds: number }> {
  await using pool = new Pool({ processes });
  await pool.map(row, range(4)); // the workers are up, and their code is compiled
  const start = performance.now();
  const rows = await pool.map(row, range(HEIGHT * FINE), { progress: { label } });
  return { rows, seconds: (performance.now() - start) / 1000 };
}

function shade(steps: number): string {
  const place = steps === DEPTH ? SHADES.length - 1 : Math.floor(Math.log2(1 + steps)) % (SHADES.length - 1);
  return SHADES[place]!;
}

if (isMainProcess) {
  const alone = await draw(1, 'one process ');
  const all = await draw(cpuCount(), `${cpuCount()} processes`);
  for (let line = 0; line < HEIGHT; line++) {
    const points = all.rows[line * FINE]!;
    const text = Array.from({ length: WIDTH }, (_, column) => shade(points[column * FINE]!)).join('');
    console.log(paint('cyan', text));
  }
  const speedUp = alone.seconds / all.seconds;
  console.log(
    `one process: ${alone.seconds.toFixed(2)} s, ${cpuCount()} processes: ${all.seconds.toFixed(2)} s, ` +
      `${speedUp.toFixed(2)} times as fast`,
  );
  const same = alone.rows.every((each, number) => String(each) === String(all.rows[number]));
  check(same && all.rows.length === HEIGHT * FINE, 'both have computed the same picture');
}
