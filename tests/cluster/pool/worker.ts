/** A process that serves the pool. Its argument: how to connect. */

import { connect } from 'lockstep/cluster';
import * as functions from './functions.ts';

const cluster = await connect(JSON.parse(process.argv[2]!));
await cluster.pool('tests').serve(functions, { concurrency: 2 });
process.send!('serves');
process.on('disconnect', () => process.exit());
