/**
 * Where a function was written: the script, the place in it, and the names that the script's module has for it.
 *
 * V8 knows, and tells its inspector; an inspector session within the same thread answers synchronously. The module's own
 * scope is compared by identity, so a nested function is never taken for an exported one of the same name.
 */

import type { Session } from 'node:inspector';

/** Where a function was written. */
export interface FunctionLocation {
  /** URL of the script; empty, or without a scheme, for evaluated code. */
  readonly url: string;
  /** Whether the script is an ES module. */
  readonly isModule: boolean;
  /** Offset of the function's parameters (of a class: of its constructor's, or of the word `class`) in `source`. */
  readonly offset: number;
  readonly line: number;
  /** The script as it runs: after a loader has changed it. */
  readonly source: string;
  /** Names that the module has for this very function, exported or not. Empty for CommonJS. */
  readonly names: readonly string[];
}

interface Property {
  readonly name: string;
  readonly value?: {
    readonly type?: string;
    readonly description?: string;
    readonly objectId?: string;
    readonly value?: unknown;
  };
}

interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly isModule?: boolean | undefined;
}

/** The commands of the inspector that are used here, and what they answer. */
interface Inspector {
  /** The properties of an object, and those that only V8 sees. */
  properties(objectId: string): { own: Property[]; internal: Property[] };
  /** Whether each of `others` is the same object as `objectId`. */
  same(objectId: string, others: string[]): boolean[];
  /** A function of this thread as the inspector names it. */
  objectId(fn: object): string;
  script(matches: (script: Script) => boolean): (Script & { source: string }) | undefined;
}

const PASSAGE = Symbol.for('lockstep.inspected');

/** Where `fn` was written; `undefined` for bound and native functions, and where Node has no inspector. */
export function locateFunction(fn: object): FunctionLocation | undefined {
  return inspect((inspector) => {
    const objectId = inspector.objectId(fn);
    const { internal } = inspector.properties(objectId);
    const place = innerValue(internal, '[[FunctionLocation]]')?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined;
    if (place === undefined) return undefined;
    const script = inspector.script(({ scriptId }) => scriptId === place.scriptId);
    if (script === undefined) return undefined;
    return {
      url: script.url,
      isModule: script.isModule === true,
      offset: offsetOf(script.source, place.lineNumber, place.columnNumber),
      line: place.lineNumber + 1,
      source: script.source,
      names: namesInModule(inspector, objectId, innerValue(internal, '[[Scopes]]')?.objectId),
    };
  });
}

/** The source of the ES module at `url` as it runs; `undefined` if no such module is loaded. */
export function moduleSource(url: string): string | undefined {
  return inspect(
    (inspector) => inspector.script((script) => script.url === url && script.isModule === true)?.source,
  );
}

function namesInModule(inspector: Inspector, objectId: string, scopes: string | undefined): string[] {
  if (scopes === undefined) return [];
  const module = inspector.properties(scopes).own.find(({ value }) => value?.description === 'Module');
  if (module?.value?.objectId === undefined) return [];
  const functions = inspector
    .properties(module.value.objectId)
    .own.filter(({ value }) => value?.type === 'function');
  const same = inspector.same(
    objectId,
    functions.map(({ value }) => value?.objectId ?? ''),
  );
  return functions.filter((_, index) => same[index]).map(({ name }) => name);
}

function innerValue(properties: Property[], name: string): Property['value'] {
  return properties.find((property) => property.name === name)?.value;
}

function offsetOf(source: string, line: number, column: number): number {
  let at = 0;
  for (let n = 0; n < line; n++) at = source.indexOf('\n', at) + 1;
  return at + column;
}

/** Runs `use` with an inspector session of this thread; `undefined` where there is none. */
function inspect<T>(use: (inspector: Inspector) => T | undefined): T | undefined {
  const session = open();
  if (session === undefined) return undefined;
  try {
    return use(commandsOf(session));
  } finally {
    session.disconnect();
  }
}

function open(): Session | undefined {
  try {
    // Loaded when first needed: most programs look up a function once, and a Node built without inspector has none.
    const { Session } = process.getBuiltinModule('node:inspector');
    const session = new Session();
    session.connect();
    return session;
  } catch {
    return undefined;
  }
}

function commandsOf(session: Session): Inspector {
  return {
    properties(objectId) {
      const { result, internalProperties } = post(session, 'Runtime.getProperties', {
        objectId,
        ownProperties: true,
      }) as {
        result: Property[];
        internalProperties?: Property[];
      };
      return { own: result, internal: internalProperties ?? [] };
    },
    same(objectId, others) {
      const { result } = post(session, 'Runtime.callFunctionOn', {
        objectId,
        functionDeclaration: 'function (...others) { return others.map((other) => other === this); }',
        arguments: others.map((other) => ({ objectId: other })),
        returnByValue: true,
      }) as { result: { value: boolean[] } };
      return result.value;
    },
    objectId(fn) {
      const passage = globalThis as { [PASSAGE]?: object };
      passage[PASSAGE] = fn;
      try {
        const expression = `globalThis[Symbol.for(${JSON.stringify(Symbol.keyFor(PASSAGE))})]`;
        return (post(session, 'Runtime.evaluate', { expression }) as { result: { objectId: string } }).result
          .objectId;
      } finally {
        delete passage[PASSAGE];
      }
    },
    script(matches) {
      let found: Script | undefined;
      session.on('Debugger.scriptParsed', ({ params }) => {
        if (matches(params)) found = params;
      });
      // Enabling the debugger tells of every script there is, at once.
      post(session, 'Debugger.enable', {});
      try {
        if (found === undefined) return undefined;
        const { scriptSource } = post(session, 'Debugger.getScriptSource', { scriptId: found.scriptId }) as {
          scriptSource: string;
        };
        return { ...(found as Script), source: scriptSource };
      } finally {
        post(session, 'Debugger.disable', {});
      }
    },
  };
}

function post(session: Session, method: string, params: object): unknown {
  let answer: unknown;
  let failure: Error | null = null;
  session.post(method, params, (error, result) => {
    failure = error;
    answer = result;
  });
  if (failure !== null) throw failure;
  return answer;
}
