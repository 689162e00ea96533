/**
 * Makes this process one in which nothing but modelled actors run, and the world of one scenario in
 * it.
 */

import { takeTimers } from './event-loop.ts';
import { loadLibrary } from './library.ts';
import { ABORT } from './machine.ts';
import { scenarioNamed } from './scenarios/all.ts';
import { World } from './world.ts';

/** `library`: URL of the folder in which the compiled source lies, if it is not the shipped one. */
export async function enter(primitive: string, scenario: string, library?: string): Promise<World> {
  const lib = await loadLibrary(library === undefined ? undefined : new URL(library));
  // The runs that are aborted leave promises and events behind, which nobody waits for.
  for (const event of ['unhandledRejection', 'uncaughtException']) {
    process.on(event, (error: unknown) => {
      if (error === ABORT) return;
      console.error(error);
      process.exit(1);
    });
  }
  FinalizationRegistry.prototype.register = () => {};
  Error.stackTraceLimit = 6;
  takeTimers();
  keepParsed();
  return new World(lib, scenarioNamed(primitive, scenario));
}

/** Every run opens the same few handles: each is parsed once. */
function keepParsed(): void {
  const known = new Map<unknown, URLSearchParams>();
  globalThis.URLSearchParams = new Proxy(URLSearchParams, {
    construct(Parsed, [fields]) {
      if (typeof fields !== 'string') return new Parsed(fields as Record<string, string>);
      const parsed = known.get(fields) ?? new Parsed(fields);
      known.set(fields, parsed);
      return parsed;
    },
  });
}
