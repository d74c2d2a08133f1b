import type { Scenario } from '../scenario.js';
import { certificateScenarios } from './certificates.js';
import { pskScenarios } from './psk.js';
import { groupScenarios, suiteScenarios } from './suites.js';

/** In the order of a first acquaintance: what a later one needs, an earlier one has shown. */
export async function allScenarios(): Promise<readonly Scenario[]> {
  return [...pskScenarios, ...(await certificateScenarios()), ...suiteScenarios, ...groupScenarios];
}
