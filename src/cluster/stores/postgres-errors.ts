/** The errors of PostgreSQL, by SQLSTATE: their meaning to the store, and advice to the user. */

import { StoreError } from '../../errors.ts';

/** An error of the server, or of the connection to it. */
export interface PgError extends Error {
  readonly code?: string;
  readonly hint?: string;
}

/** By SQLSTATE, or by its class: the first two characters. */
const ADVICE: Readonly<Record<string, string>> = {
  '28': 'check the user and the password',
  '3D': 'create the database, or check its name',
  '42501': 'connect once as a user who may create schemas, and grant this user the use of schema lockstep',
  '25006': 'connect to the primary in a session that may write',
  '53': 'raise the limit at the server, or pass a pool of pg with a small `max`',
  '57014': 'raise statement_timeout for this user: a statement may wait for another on the same object',
  '57P03': 'wait until the server has started',
};

/** Tables or functions of the schema are missing. */
const MISSING = ['42P01', '3F000', '42883'];
const DROPPED = 'connect again, which makes the missing parts of schema lockstep';

/** Advice to the user, by the code of the error. */
export function adviceOf({ code = '', hint }: PgError, otherwise: string): string {
  if (MISSING.includes(code)) return DROPPED;
  return ADVICE[code] ?? ADVICE[code.slice(0, 2)] ?? hint ?? otherwise;
}

/** The error of `connect` after an error of the server. */
export function connectFailed(title: string, error: PgError): StoreError {
  const isPlain = error.message.includes('does not support SSL');
  const otherwise = isPlain
    ? 'leave `sslmode` out of the URL, or have it use TLS'
    : 'start it, or check its URL';
  const reason = error.message.replace(`${title} `, 'it ');
  return new StoreError(`connect: ${title} can't be used, ${reason}; ${adviceOf(error, otherwise)}`, {
    cause: error,
  });
}

/** The error of a statement that the server has refused, and so has not done. */
export function refused(doing: string, title: string, error: PgError): StoreError {
  const advice = adviceOf(error, 'see the log of the server');
  return new StoreError(`${doing}: refused by ${title}, ${error.message}; ${advice}`, { cause: error });
}

/**
 * Whether the server itself has refused, so that nothing was done. Some codes are not refusals: the
 * server shuts down or starts or has cancelled the statement (57…), is out of connections (53…) or
 * has lost the connection (08…). A transaction that it rolled back in favour of another (40…), or
 * after `lock_timeout` (55P03), can also be retried.
 */
export function isRefusal({ code }: PgError): boolean {
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^(08|40|53|57|55P03)/.test(code);
}

/** Whether the connection has no such prepared statement, or another one of that name. */
export function isForgotten({ code }: PgError): boolean {
  return code === '26000' || code === '42P05';
}

/** Whether parts of the schema are missing. */
export function isMissing(error: unknown): boolean {
  const { code, cause } = error as PgError;
  return MISSING.includes((cause as PgError | undefined)?.code ?? code ?? '');
}
