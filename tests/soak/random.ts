/** Random numbers that a seed repeats. */

export class Random {
  private state: number;

  /** The parts together are the seed: a run's own, a member's number, … */
  constructor(...seed: readonly number[]) {
    this.state = seed.reduce((state, part) => mix(state ^ part), 0x9e3779b9);
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    return Math.floor(((mix(this.state) >>> 0) / 2 ** 32) * bound);
  }

  /** `true` in so many of a hundred cases. */
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError('there is nothing to pick from');
    return picked;
  }
}

/** The finalizer of MurmurHash3. */
function mix(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
