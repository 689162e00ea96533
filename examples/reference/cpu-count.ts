import assert from 'node:assert/strict';
import { cpuCount } from 'lockstep';

assert.ok(cpuCount() >= 1); // containers and taskset may allow fewer than the machine has
