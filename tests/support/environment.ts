/**
 * The environment of a program as at the user's: it finds the bundle, not the unbundled modules
 * that the tests run.
 */
export function usersEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS = '', ...others } = process.env;
  const options = NODE_OPTIONS.replace(/--conditions=lockstep-(tested|modules)/g, '').trim();
  return { ...others, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: options === '' ? undefined : options };
}
