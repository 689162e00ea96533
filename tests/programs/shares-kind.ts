/**
 * Shares an object of some kind with other programs, and a plain lock: `shares-kind <kind> <role>`.
 *
 *   holds    holds both, prints `holds`, and goes on until it is ended
 *   wants    prints `asks`, waits for the object, and prints what it got; `wants-blocking`: blocked
 *   lacks    does not know the kind; waits for the plain lock, and prints what it got
 */

import { Lock } from 'lockstep';
import { SHARED_KINDS } from '../support/shared-kinds.ts';
import { lingers } from '../support/targets.ts';
import { forgetKind } from '../support/unknown-kinds.ts';

const [, , kind = '', role = ''] = process.argv;
const plain = new Lock({ name: 'plain' });

if (role === 'lacks') {
  forgetKind(kind);
  const got = plain.acquire();
  console.log('asks');
  const { recovered } = await got;
  console.log(JSON.stringify({ recovered }));
  await lingers();
} else {
  const shared = SHARED_KINDS[kind]!();
  if (role === 'holds') {
    await plain.acquire();
    await shared.hold();
    console.log('holds');
    await lingers();
  } else {
    console.log('asks');
    console.log(JSON.stringify(role === 'wants' ? await shared.want() : shared.wantBlocking()));
  }
}
plain.close();
