/**
 * Inspector: V8's information on the functions, scopes and scripts of this thread.
 * It answers synchronously.
 *
 * A function gets to the inspector through a property of one of Node's own modules, because all
 * contexts of a thread share those. A test runner may run modules in a context with a `globalThis`
 * of its own.
 */

import type { Session } from 'node:inspector';

export interface Property {
  readonly name: string;
  readonly value?: Remote;
}

/** A value as the inspector describes it. */
export interface Remote {
  readonly type?: string;
  readonly className?: string;
  readonly description?: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

export interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly isModule?: boolean | undefined;
  /** Whether it belongs to this thread's own context, in contrast to one of `node:vm`. */
  readonly executionContextAuxData?: { readonly isDefault?: boolean };
}

/** A module that is just running: a function of it is on the stack. */
export interface RunningModule {
  readonly scriptId: string;
  /** Its names for the function that is looked for, be it declared or imported there. */
  readonly names: readonly string[];
  /** Its names for whole modules that have the function, and the name that they have for it. */
  readonly namespaces: ReadonlyMap<string, string>;
}

/** The commands of the inspector that are used here, and their answers. */
export interface Inspector {
  /** The properties of an object, and those that only V8 sees. */
  properties(objectId: string): { own: Property[]; internal: Property[] };
  /** Names of the functions among `properties` that are the same object as `objectId`. */
  namesOf(objectId: string, properties: readonly Property[]): string[];
  /** A function of this thread as the inspector names it. */
  objectId(fn: object): string;
  script(matches: (script: Script) => boolean): (Script & { source: string }) | undefined;
  /**
   * The modules on the stack, the innermost first, and their names for the object with `objectId`.
   * None while a debugger could be attached, because it would also be stopped.
   */
  runningModules(objectId: string): RunningModule[];
}

const PASSAGE = Symbol.for('lockstep.inspected');

/** Runs `use` with an inspector session of this thread; `undefined` where there is none. */
export function withInspector<T>(use: (inspector: Inspector) => T | undefined): T | undefined {
  const session = open();
  if (session === undefined) return undefined;
  try {
    return use(commandsOf(session));
  } finally {
    session.disconnect();
  }
}

/**
 * Loaded when first needed: most programs look up a function once, and a Node built without
 * inspector has none.
 */
function builtin(): typeof import('node:inspector') {
  return process.getBuiltinModule('node:inspector');
}

function open(): Session | undefined {
  try {
    const session = new (builtin().Session)();
    session.connect();
    return session;
  } catch {
    return undefined;
  }
}

function commandsOf(session: Session): Inspector {
  const inspector: Inspector = {
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
    namesOf(objectId, properties) {
      const functions = properties.filter(
        ({ value }) => value?.type === 'function' && value.objectId !== undefined,
      );
      const { result } = post(session, 'Runtime.callFunctionOn', {
        objectId,
        functionDeclaration: 'function (...others) { return others.map((other) => other === this); }',
        arguments: functions.map(({ value }) => ({ objectId: value!.objectId })),
        returnByValue: true,
      }) as { result: { value: boolean[] } };
      return functions.filter((_, index) => result.value[index]).map(({ name }) => name);
    },
    objectId(fn) {
      const passage = builtin() as unknown as { [PASSAGE]?: object };
      passage[PASSAGE] = fn;
      try {
        const expression = `process.getBuiltinModule('node:inspector')[Symbol.for(${JSON.stringify(Symbol.keyFor(PASSAGE))})]`;
        return (post(session, 'Runtime.evaluate', { expression }) as { result: { objectId: string } }).result
          .objectId;
      } finally {
        delete passage[PASSAGE];
      }
    },
    script(matches) {
      let found: Script | undefined;
      const look = ({ params }: { params: Script }): void => {
        if (matches(params)) found = params;
      };
      session.on('Debugger.scriptParsed', look);
      // Enabling the debugger reports every existing script immediately.
      post(session, 'Debugger.enable', {});
      try {
        if (found === undefined) return undefined;
        const { scriptSource } = post(session, 'Debugger.getScriptSource', { scriptId: found.scriptId }) as {
          scriptSource: string;
        };
        return { ...(found as Script), source: scriptSource };
      } finally {
        session.off('Debugger.scriptParsed', look);
        post(session, 'Debugger.disable', {});
      }
    },
    runningModules(objectId) {
      if (builtin().url() !== undefined) return [];
      const modules: RunningModule[] = [];
      // Within the session's own thread a pause lasts no longer than this listener.
      session.once('Debugger.paused', ({ params }) => {
        for (const { location, scopeChain } of params.callFrames) {
          const { scriptId } = location;
          const scope = scopeChain.find(({ type }) => type === 'module')?.object.objectId;
          if (scope === undefined || modules.some((module) => module.scriptId === scriptId)) continue;
          // Read the properties here: the objects of a pause are out of reach after it.
          const { own } = inspector.properties(scope);
          const namespaces = new Map<string, string>();
          for (const { name, value } of own) {
            if (value?.className !== 'Module' || value.objectId === undefined) continue;
            const inner = keyIn(session, value.objectId, objectId);
            if (inner !== undefined) namespaces.set(name, inner);
          }
          modules.push({ scriptId, names: inspector.namesOf(objectId, own), namespaces });
        }
        post(session, 'Debugger.resume', {});
      });
      post(session, 'Debugger.enable', {});
      try {
        // The pause takes effect at the next statement, which belongs to this call.
        post(session, 'Debugger.pause', {});
        return modules;
      } finally {
        post(session, 'Debugger.disable', {});
      }
    },
  };
  return inspector;
}

/**
 * Under which key the object `holder` has the object `held`. A variable that is not initialized
 * yet throws when it is read.
 */
function keyIn(session: Session, holder: string, held: string): string | undefined {
  const { result } = post(session, 'Runtime.callFunctionOn', {
    objectId: holder,
    functionDeclaration: `function (held) {
      return Object.keys(this).find((key) => { try { return this[key] === held; } catch { return false; } });
    }`,
    arguments: [{ objectId: held }],
    returnByValue: true,
  }) as { result: { value?: string } };
  return result.value;
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
