/** All scenarios, by primitive. */

import type { AnyScenario } from '../scenario.ts';
import { lockScenarios } from './lock.ts';

export const SCENARIOS: Readonly<Record<string, readonly AnyScenario[]>> = {
  Lock: lockScenarios,
};

export function scenarioNamed(primitive: string, name: string): AnyScenario {
  const found = SCENARIOS[primitive]?.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario "${name}" of ${primitive}`);
  return found;
}
