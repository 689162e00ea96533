/**
 * Histogram: counts times by length, in eight classes for each doubling, so that each time is known
 * to an eighth. Each time costs one addition to a typed array.
 */

/** Times of one kind. In milliseconds. */
export interface TimeStats {
  count: number;
  min: number;
  max: number;
  mean: number;
  /** The time that `percent` of all times did not exceed, to an eighth: `percentile(99)`. */
  percentile(percent: number): number;
}

const STEPS_BITS = 3;
const STEPS = 1 << STEPS_BITS;
const CLASSES = 32 * STEPS;
const MOST = 0x7fffffff;

export class Histogram {
  private readonly counts = new Float64Array(CLASSES);
  private count = 0;
  private sum = 0;
  private least = Number.POSITIVE_INFINITY;
  private most = 0;

  /** Adds a time of so many microseconds, `times` times. */
  add(microseconds: number, times = 1): void {
    const time = microseconds > 0 ? microseconds : 0;
    this.count += times;
    this.sum += time * times;
    if (time < this.least) this.least = time;
    if (time > this.most) this.most = time;
    this.counts[classOf(time > MOST ? MOST : time | 0)]! += times;
  }

  get stats(): TimeStats {
    const { count, sum, least, most } = this;
    const counts = this.counts.slice();
    return {
      count,
      min: count === 0 ? 0 : least / 1000,
      max: most / 1000,
      mean: count === 0 ? 0 : sum / count / 1000,
      percentile(percent) {
        let left = (count * percent) / 100;
        for (let index = 0; index < CLASSES; index++) {
          left -= counts[index]!;
          if (left <= 0 && counts[index]! > 0) return Math.min(endOf(index), most) / 1000;
        }
        return most / 1000;
      },
    };
  }
}

/** Below 8 a class for each number; above it the highest bit and the three behind it. */
function classOf(time: number): number {
  if (time < STEPS) return time;
  const shift = 31 - Math.clz32(time) - STEPS_BITS;
  return (shift + 1) * STEPS + ((time >> shift) & (STEPS - 1));
}

/** The largest time of the class. */
function endOf(index: number): number {
  if (index < STEPS) return index;
  const shift = Math.floor(index / STEPS) - 1;
  return (STEPS + (index % STEPS) + 1) * 2 ** shift - 1;
}
