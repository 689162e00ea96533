/** The program of a conformance run: the suites that `LOCKSTEP_TEST_SUITES` names, in one process. */

const { LOCKSTEP_TEST_SUITES = '' } = process.env;
for (const suite of LOCKSTEP_TEST_SUITES.split(',')) await import(`../../conformance/${suite}.test.js`);
