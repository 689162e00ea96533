/** Errors of a Redis server and of its clients, in words. */

import { StoreError } from '../../errors.ts';

/** Remedies for refused commands, by the first word of the server's message. */
const ADVICE: Readonly<Record<string, string>> = {
  ERR: 'check that it is Redis 7.0 or Valkey 7.2, or newer',
  WRONGTYPE: 'keep other data out of the keys of this namespace',
  NOPERM: 'give the user the rights that the guide names',
  NOAUTH: 'put the user and the password into the URL',
  WRONGPASS: 'check the user and the password',
  OOM: 'raise its maxmemory, or take items out of queues',
  MISCONF: 'see to its disk, so that it can save again',
};

const DATABASE = 'use a database of that server: the number after the / of the URL';

/** The error of a command that the server has refused, and so has not done. */
export function refusalIn(error: Error, title: string, doing = 'cluster'): StoreError | undefined {
  const [word = ''] = error.message.split(' ', 1);
  const advice = /DB index|select/i.test(error.message) ? DATABASE : ADVICE[word];
  if (advice === undefined) return undefined;
  return new StoreError(`${doing}: ${title} has refused a request, ${reasonOf(error)}; ${advice}`, {
    cause: error,
  });
}

/** The message. After attempts at several addresses, it is that of the first attempt. */
export function reasonOf(error: Error): string {
  const [first] = (error as { errors?: readonly Error[] }).errors ?? [];
  return (error.message || first?.message || String(error)).replace(/\.$/, '');
}
