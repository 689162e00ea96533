// The smallest program that uses Lockstep.
import { Lock } from 'lockstep';

new Lock().acquireSync();
