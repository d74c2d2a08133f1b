import type { Scenario } from '../scenario.js';
import { OURS, swanctlConf } from './common.js';

export const pskScenarios: readonly Scenario[] = [
  {
    group: 'psk',
    name: 'pre-shared key',
    initiators: ['us', 'peer'],
    ours: OURS,
    theirs: swanctlConf(),
    expect: 'traffic',
  },
];
