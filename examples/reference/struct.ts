import assert from 'node:assert/strict';
import { struct } from 'lockstep';

const Particle = struct({ position: 'f64[3]', charge: 'i8', name: 'char[16]' });
const particle = new Particle({ charge: -1, name: 'electron' });
particle.position.set(2, 0.5);
particle.assign({ charge: 1, name: 'positron' }); // both or none
assert.deepEqual(particle.toObject(), { position: [0, 0, 0.5], charge: 1, name: 'positron' });
