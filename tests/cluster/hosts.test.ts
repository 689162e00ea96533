/** Several hosts: processes in network namespaces of their own, and a cable that is pulled out. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DriverSeen } from './hosts/driver.ts';
import { programOf } from './servers/install.ts';

const DRIVER = fileURLToPath(new URL('./hosts/driver.js', import.meta.url));

/** Why there can be no further networks here; `false` if there can. */
function whyNot(): string | false {
  if (process.geteuid?.() !== 0) return 'making networks needs the rights of root';
  programOf('iproute2', ['/sbin/ip', '/usr/sbin/ip', '/bin/ip', '/usr/bin/ip']);
  const probe = 'ip link add lockstep0 type veth peer name lockstep1 && ip link del lockstep0';
  const { status, stderr, error } = spawnSync('unshare', ['--net', 'sh', '-c', probe], { encoding: 'utf8' });
  return status === 0 ? false : `no network can be made here: ${error?.message ?? stderr.trim()}`;
}

it('a host that loses its network for longer than its lease loses the lock, and knows it first', {
  skip: whyNot(),
}, async (t) => {
  const driver = spawn('unshare', ['--net', process.execPath, DRIVER], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let told = '';
  driver.stderr!.on('data', (text) => (told += String(text)));
  let seen: DriverSeen | undefined;
  driver.on('message', (message: DriverSeen) => (seen = message));
  const [code] = (await once(driver, 'close')) as [number];
  assert.equal(code, 0, told);
  const { lease, cutAt, takenAt, recovered, first, tokens, writes, release } = seen!;
  t.diagnostic(
    `the other has the lock after ${((takenAt - cutAt) / lease).toFixed(2)} leases; valid is false after ${((first.invalidAt - cutAt) / lease).toFixed(2)}`,
  );
  // A host that the machine keeps waiting sees what is so later than it is.
  const { late } = first;
  assert.ok(first.invalidAt > 0 && first.invalidAt - late < takenAt, 'it believed in its hold for too long');
  assert.ok(first.abortedAt > 0 && first.abortedAt - late < takenAt, 'its signal came too late');
  assert.equal(first.reason, 'ERR_LOCKSTEP_LEASE_LOST');
  assert.ok(takenAt - cutAt > lease / 2, 'it was taken while the lease of the first host stood');
  assert.equal(recovered, true);
  assert.deepEqual(writes, ['not refused', 'ERR_LOCKSTEP_STALE_TOKEN']);
  assert.equal(release, 'ERR_LOCKSTEP_LEASE_LOST');
  assert.ok(tokens[0] < tokens[1] && tokens[1] < tokens[2], String(tokens));
});
