// @ts-check
// The function of pool-tasks.js, as synckit's worker needs it.
import { runAsWorker } from 'synckit';
import { same } from './pool-tasks.js';

runAsWorker(same);
