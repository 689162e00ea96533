// @ts-check
// The functions of pool-tasks.js, as workerpool's workers need them.
import workerpool from 'workerpool';
import { same } from './pool-tasks.js';

workerpool.worker({ same });
