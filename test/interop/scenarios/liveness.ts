import { handshake } from '../run-scenario.js';
import type { Scenario } from '../scenario.js';
import { exchangeTraffic } from '../traffic/traffic.js';
import { OURS, swanctlConf } from './common.js';

/** The clock of our IKE host runs that much faster: two minutes of retransmissions pass in some seconds. */
const CLOCK_SPEED = 40;

export const livenessScenarios: readonly Scenario[] = [
  {
    group: 'liveness',
    name: 'a killed peer is found dead, and found again when it is back',
    initiators: ['us', 'peer'],
    ours: { ...OURS, livenessInterval: 10_000, clockSpeed: CLOCK_SPEED },
    theirs: swanctlConf(),
    expect: 'traffic',
    async afterwards(stage) {
      const { edge, charon, ends } = stage;
      const from = edge.news.length;
      await charon.restart(async () => {
        const { reason } = await edge.event(['ike-failed'], 60_000, from);
        if (reason.code !== 'peer_silent') throw new Error(`another reason was expected than ${reason.code}`);
        const { associations } = await edge.status();
        if (associations.length > 0) throw new Error('the Child SA is still there');
      });
      const outcome = await handshake(stage);
      if (outcome !== undefined) throw new Error(`no second handshake: ${JSON.stringify(outcome)}`);
      await exchangeTraffic(ends);
    },
  },
];
