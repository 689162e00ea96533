/** All mutants. */

import type { Mutant } from '../mutants.ts';
import { agentMutants } from './agents.ts';
import { lockMutants } from './locks.ts';
import { permitMutants } from './permits.ts';
import { poolResultMutants } from './pool-results.ts';
import { poolStreamMutants } from './pool-stream.ts';
import { poolWakingMutants } from './pool-waking.ts';
import { poolMutants } from './pools.ts';
import { ringMutants } from './rings.ts';
import { sideMutants } from './sides.ts';
import { signalMutants } from './signals.ts';

export const MUTANTS: readonly Mutant[] = [
  ...lockMutants,
  ...permitMutants,
  ...signalMutants,
  ...sideMutants,
  ...ringMutants,
  ...agentMutants,
  ...poolMutants,
  ...poolResultMutants,
  ...poolWakingMutants,
  ...poolStreamMutants,
];
