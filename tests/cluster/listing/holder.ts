/** Holds a lock until it is killed. */

import type { ConnectOptions } from 'lockstep/cluster';
import { connect } from 'lockstep/cluster';

const cluster = await connect(JSON.parse(process.argv[2]!) as ConnectOptions);
await cluster.lock('door').acquire();
process.send!('held');
