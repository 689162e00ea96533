/** The items that pools of the tests are given, and sources that misbehave. */

export const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n);

export function* endsAt(end: number): Generator<number> {
  for (let n = 0; n < end; n++) yield n;
}

export function* breaksAt(at: number): Generator<number> {
  for (let n = 0; n < at; n++) yield n;
  throw new Error(`source at ${at}`);
}

export async function* comesUntil(end: number): AsyncGenerator<number> {
  for (let n = 0; n < end; n++) {
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield n;
  }
}

/** Gives 1 and 2, and then no answer, not even to its end. */
export function answersNever(): AsyncIterable<number> {
  return {
    [Symbol.asyncIterator]: () => {
      let n = 0;
      return {
        next: () => (n++ < 2 ? Promise.resolve({ done: false, value: n }) : new Promise(() => {})),
        return: () => new Promise(() => {}),
      };
    },
  };
}

export function* failsAtItsEnd(): Generator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
    throw new Error('its end failed');
  }
}

export async function* failsAtItsEndLater(): AsyncGenerator<number> {
  try {
    for (let n = 0; ; n++) yield n;
  } finally {
    await new Promise((resolve) => setImmediate(resolve));
    // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
    throw new Error('its end failed');
  }
}

interface Endless {
  readonly items: Iterable<number> | AsyncIterable<number>;
  pulled: number;
  closed: boolean;
}

export function endless(): Endless {
  const source: Endless = { items: count(), pulled: 0, closed: false };
  function* count(): Generator<number> {
    try {
      for (;;) yield source.pulled++;
    } finally {
      source.closed = true;
    }
  }
  return source;
}

export function endlessLater(): Endless {
  const source: Endless = { items: count(), pulled: 0, closed: false };
  async function* count(): AsyncGenerator<number> {
    try {
      for (;;) yield source.pulled++;
    } finally {
      source.closed = true;
    }
  }
  return source;
}
