// Many short-lived programs use one token that expires. One of them refreshes it; the others wait.

import { readFile, rename, writeFile } from 'node:fs/promises';
import { Lock } from 'lockstep';

interface Token {
  value: string;
  expires: number;
}

const path = process.argv[2] ?? 'token.json';
const issuer = process.argv[3] ?? 'http://localhost:8080/token';
const lock = new Lock({ name: 'cli-token' });

async function token(): Promise<string> {
  const known = await stored();
  if (known !== null) return known.value; // the usual case: no lock
  return lock.run(async () => {
    // Read again: another program may have refreshed it while this one waited for the lock.
    const meanwhile = await stored();
    if (meanwhile !== null) return meanwhile.value;
    const response = await fetch(issuer, { method: 'POST', signal: AbortSignal.timeout(10_000) });
    const made = (await response.json()) as Token;
    // Written beside and renamed: nobody reads half a file, also when this program is killed here.
    await writeFile(`${path}.new`, JSON.stringify(made), { mode: 0o600 });
    await rename(`${path}.new`, path);
    return made.value;
  });
}

/** The token in the file, if it is good for another minute. */
async function stored(): Promise<Token | null> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Token;
    return found.expires > Date.now() + 60_000 ? found : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

console.log(await token());
