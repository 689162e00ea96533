import assert from 'node:assert/strict';
import { struct } from 'lockstep';

const Point = struct({ x: 'f64', y: 'f64' });
const points = Point.array(1000);
points.set(1, { x: 3, y: 4 });
const point = points.at(1); // a view of the shared record
point.x = 6;
assert.equal(points.at(1).x, 6);
assert.equal(points.length, 1000);
