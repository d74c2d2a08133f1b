import type { Initiator, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { underTraffic } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';
import { authenticateAnew, replaceChild, replaceIke } from './rekey-steps.js';

const ESP = 'aes128gcm16-x25519';
const STEPS = [
  ['the Child SA', replaceChild, ['us', 'peer']],
  ['the IKE SA', replaceIke, ['us', 'peer']],
  ['all SAs, with new proofs of identity,', authenticateAnew, ['us', 'peer']],
] as const;

/** Keys change while numbered datagrams go both ways; every one of them comes back. */
export const rekeyScenarios: readonly Scenario[] = STEPS.flatMap(([what, replace, sides]) =>
  sides.map(
    (by): Scenario => ({
      group: 'rekeying',
      name: `${what} by ${by === 'us' ? 'us' : 'the peer'}, three times under traffic`,
      initiators: ['us', 'peer'],
      ours: { ...OURS, esp: [ESP] },
      theirs: swanctlConf({ esp: ESP }),
      expect: 'traffic',
      afterwards: (stage) => underTraffic(stage.ends, () => threeTimes(replace, stage, by)),
    }),
  ),
);

async function threeTimes(
  replace: (stage: Stage, by: Initiator) => Promise<void>,
  stage: Stage,
  by: Initiator,
): Promise<void> {
  const { us, peer } = stage.ends;
  for (let time = 0; time < 3; time++) {
    await replace(stage, by);
    await Promise.all([us.awaitProbes(PROBES_BETWEEN), peer.awaitProbes(PROBES_BETWEEN)]);
  }
}

/** That many go each way through every successor. */
const PROBES_BETWEEN = 50;
