/**
 * Pool task: the part of a pool's call and of its outcome that goes through the server, as text.
 */

import { inspect } from 'node:util';
import type { ErrorClass } from '../../codec/error-class.ts';
import { errorClassOf, rebuildError } from '../../codec/error-class.ts';
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
  /** Its class, or the nearest ancestor that every process knows. */
  readonly class: ErrorClass;
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Its own fields, as far as they can be sent. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly cause?: Failure;
  /** Those of an AggregateError. */
  readonly errors?: readonly Failure[];
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
    const { name, message, stack, cause } = error;
    const told: ErrorText = { class: errorClassOf(error), name, message, stack, fields: fieldsOf(error) };
    if (depth === 0) return { error: told };
    const { errors } = error as Partial<AggregateError>;
    return {
      error: {
        ...told,
        ...(cause !== undefined && { cause: failureOf(cause, depth - 1) }),
        ...(Array.isArray(errors) && { errors: errors.map((each) => failureOf(each, depth - 1)) }),
      },
    };
  }
  try {
    return { thrown: textOf([error], 'thrown') };
  } catch {
    return { error: { class: 'Error', name: 'Error', message: `${inspect(error)} was thrown` } };
  }
}

/** The error's enumerable fields that can be sent. */
function fieldsOf(error: Error): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(error)) {
    try {
      fields[key] = textOf([value], key);
    } catch {
      // A field that can't be sent is left out: the error has to get through.
    }
  }
  return fields;
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

function readError({ name, message, stack, cause, errors, fields = {}, ...rest }: ErrorText): Error {
  const error = rebuildError(rest.class);
  for (const [key, text] of Object.entries(fields)) {
    const [value] = readText(text) as unknown[];
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: true });
  }
  const hidden = {
    message,
    ...(stack !== undefined && { stack }),
    ...(error.name !== name && { name }),
    ...(cause !== undefined && { cause: readFailure(cause) }),
    ...(errors !== undefined && { errors: errors.map(readFailure) }),
  };
  for (const [key, value] of Object.entries(hidden))
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  return error;
}
