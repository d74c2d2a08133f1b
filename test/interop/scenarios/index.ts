import type { Scenario } from '../scenario.js';
import { pskScenarios } from './psk.js';

/** In the order of a first acquaintance: what a later one needs, an earlier one has shown. */
export const SCENARIOS: readonly Scenario[] = [...pskScenarios];
