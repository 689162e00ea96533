/** The contract of the cluster's objects over the memory store. */

import { connect } from 'lockstep/memory';
import { lockCases } from './contract/lock.ts';
import { otherCases } from './contract/others.ts';
import { queueCases } from './contract/queue.ts';
import type { World } from './contract/world.ts';

const memory: World = { name: 'memory', connect };

lockCases(memory);
otherCases(memory);
queueCases(memory);
