/** Functions that fail. */

export class OwnError extends Error {
  readonly detail: number;

  constructor(message: string, detail: number) {
    super(message);
    this.name = 'OwnError';
    this.detail = detail;
  }
}

export function fail(n: number): never {
  throw new OwnError(`failed with ${n}`, n);
}

export function failRange(n: number): never {
  throw new RangeError(`no ${n}`, { cause: new TypeError('inner') });
}

export function failFor(n: number, bad: number): number {
  if (n === bad) fail(n);
  return n;
}

export function failAt3(n: number): number {
  return failFor(n, 3);
}

/** An error that can't be made again: its constructor needs what does not travel. */
export function failWithStrangeError(): never {
  class Strange extends Error {
    constructor(options: { must: { exist: string } }) {
      super(options.must.exist);
    }
  }
  throw new Strange({ must: { exist: 'strange' } });
}

export function failWithMany(): never {
  throw new AggregateError([new TypeError('one'), new OwnError('two', 2)], 'many', { cause: { code: 7 } });
}

export function throwFunction(): never {
  throw () => 1;
}

/** A result that throws when it is asked whether it is a promise. */
export function throwInThen(): unknown {
  return {
    // biome-ignore lint/suspicious/noThenProperty: the case at hand
    get then(): never {
      throw new RangeError('then was read');
    },
  };
}
