import type { Scenario } from '../scenario.js';
import { certificateScenarios } from './certificates.js';
import { childlessScenarios } from './childless.js';
import { certificateFailureScenarios, failureScenarios } from './failures.js';
import { hybridScenarios } from './hybrid.js';
import { livenessScenarios } from './liveness.js';
import { mobilityScenarios } from './mobility.js';
import { negotiationScenarios } from './negotiation.js';
import { pathScenarios } from './path.js';
import { ppkScenarios } from './ppk.js';
import { pskScenarios } from './psk.js';
import { publicKeyScenarios } from './public-keys.js';
import { rekeyScenarios } from './rekeying.js';
import { selectorScenarios } from './selectors.js';
import { groupScenarios, suiteScenarios } from './suites.js';
import { virtualAddressScenarios } from './virtual-addresses.js';

/** In the order of a first acquaintance: what a later one needs, an earlier one has shown. */
export async function allScenarios(): Promise<readonly Scenario[]> {
  return [
    ...pskScenarios,
    ...(await certificateScenarios()),
    ...(await publicKeyScenarios()),
    ...rekeyScenarios,
    ...ppkScenarios,
    ...childlessScenarios,
    ...(await pathScenarios()),
    ...mobilityScenarios,
    ...livenessScenarios,
    ...negotiationScenarios,
    ...selectorScenarios,
    ...virtualAddressScenarios,
    ...failureScenarios,
    ...(await certificateFailureScenarios()),
    ...suiteScenarios,
    ...groupScenarios,
    ...hybridScenarios,
  ];
}
