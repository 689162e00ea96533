/**
 * Pool task: the part of a pool's call and of its outcome that goes through the server, as text.
 */

import { inspect } from 'node:util';
import { InvalidTypeError, TargetError } from '../../errors.ts';
import { readText, textOf } from './item-text.ts';

/** A function that a pool runs, or its name. */
// biome-ignore lint/suspicious/noExplicitAny: a pool runs functions of any arguments
export type ClusterTarget<Args extends readonly any[], Result> = ((...args: Args) => Result) | string;

/** Functions by the names under which they are called. */
// biome-ignore lint/suspicious/noExplicitAny: a pool runs functions of any arguments
export type ClusterFunctions = Readonly<Record<string, (...args: any[]) => unknown>>;

/** The data of a job: the function's name, and the arguments of one or of several calls. */
export interface TaskData {
  readonly run: string;
  readonly calls: readonly string[];
}

/** The outcome of one call. An error of the function is one too: the job is not retried. */
type Outcome = { readonly value: string } | Failure;

/** An error, or a thrown value that is not an error. */
type Failure = { readonly error: ErrorText } | { readonly thrown: string };

interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly cause?: Failure;
}

/** Depth to which causes of causes are kept. */
const DEEPEST = 8;

/** The name by which workers find the function. */
export function nameOfTarget(title: string, fn: unknown): string {
  const name = typeof fn === 'function' ? fn.name : fn;
  if (typeof name === 'string' && name !== '') return name;
  throw new InvalidTypeError(
    `${title}: refused, ${inspect(fn)} has no name by which a worker could find it; pass a named function, or its name`,
  );
}

export function argumentsText(title: string, args: unknown): string {
  if (Array.isArray(args)) return textOf(args, title);
  throw new InvalidTypeError(
    `${title}: refused, the arguments are ${inspect(args, { depth: 0 })}; pass an array: apply(fn, [argument])`,
  );
}

/** Runs the calls of a job, one after another. */
export async function runTask(
  title: string,
  functions: ClusterFunctions,
  { run, calls }: TaskData,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const call of calls) outcomes.push(await runCall(title, functions, run, call));
  return outcomes;
}

async function runCall(
  title: string,
  functions: ClusterFunctions,
  name: string,
  call: string,
): Promise<Outcome> {
  try {
    const fn = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (fn === undefined) {
      const known = Object.keys(functions).join(', ');
      throw new TargetError(
        `${title}: can't run ${name}, its worker serves ${known}; serve the same functions everywhere`,
      );
    }
    const value = await fn(...(readText(call) as unknown[]));
    return { value: textOf(value === undefined ? [] : [value], `${title}, result of ${name}`) };
  } catch (error) {
    return failureOf(error, DEEPEST);
  }
}

function failureOf(error: unknown, depth: number): Failure {
  if (error instanceof Error) {
    const { name, message, stack, code, cause } = error as Error & { code?: unknown };
    const told = { name, message, stack, code };
    return {
      error: cause === undefined || depth === 0 ? told : { ...told, cause: failureOf(cause, depth - 1) },
    };
  }
  try {
    return { thrown: textOf([error], 'thrown') };
  } catch {
    return {
      error: { name: 'Error', message: `${inspect(error)} was thrown`, stack: undefined, code: undefined },
    };
  }
}

/** The outcomes of a job as its caller settles them. */
export function readOutcomes(text: unknown): PromiseSettledResult<unknown>[] {
  const outcomes = (typeof text === 'string' ? JSON.parse(text) : text) as Outcome[];
  return outcomes.map((outcome) => {
    if (!('value' in outcome)) return { status: 'rejected', reason: readFailure(outcome) };
    const [value] = readText(outcome.value) as unknown[];
    return { status: 'fulfilled', value };
  });
}

function readFailure(failure: Failure): unknown {
  if ('error' in failure) return readError(failure.error);
  return (readText(failure.thrown) as unknown[])[0];
}

function readError({ name, message, stack, code, cause }: ErrorText): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: readFailure(cause) });
  const given = Object.entries({ name, stack, code }).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  for (const [key, value] of given)
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  return error;
}
