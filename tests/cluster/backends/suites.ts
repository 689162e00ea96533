/**
 * The program of a conformance run: the suites that `LOCKSTEP_TEST_SUITES` names, in one process.
 */

import '../../support/sandbox.ts';

const { LOCKSTEP_TEST_SUITES = '' } = process.env;
const suites = LOCKSTEP_TEST_SUITES.split(',');
// All at once, so that none runs to its end before the others are known.
await Promise.all(suites.map((suite) => import(`../../conformance/${suite}.test.js`)));
