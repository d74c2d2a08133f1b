import type { FailureReason } from '@weft/ipsec-core/ike';
import type { Initiator, Scenario } from './scenario.js';
import type { Stage } from './stage.js';
import { exchangeTraffic } from './traffic/traffic.js';

/** Plays a scenario once. Throws with the reason when it does not go as expected; both ends are bare again afterwards. */
export async function runScenario(scenario: Scenario, stage: Stage): Promise<void> {
  const { edge, charon } = stage;
  await charon.load(scenario.theirs, scenario.files);
  await edge.configure(scenario.ours);
  try {
    const outcome = await handshake(stage.initiator, stage);
    if (scenario.expect !== 'traffic') {
      expectFailure(scenario.expect, outcome);
      expectLog(scenario, stage);
      return;
    }
    if (outcome !== undefined) throw new Error(`the handshake failed: ${JSON.stringify(outcome)}`);
    expectLog(scenario, stage);
    await exchangeTraffic(stage.ends);
    await scenario.afterwards?.(stage);
  } finally {
    await tearDown(stage);
  }
}

/** @returns why there is no Child SA; undefined when there is one. */
async function handshake(initiator: Initiator, { edge, charon }: Stage): Promise<FailureReason | undefined> {
  if (initiator === 'us') await edge.command('initiate');
  else await charon.swanctl('--initiate', '--child', 'net', '--timeout', '5').catch(() => undefined);
  const outcome = await edge.event(['ike-established', 'ike-failed'], HANDSHAKE_PATIENCE);
  if (outcome.kind === 'ike-failed') return outcome.reason;
  const status = await edge.status();
  if (status.associations.length > 0) return undefined;
  const { reason } = await edge.event(['child-failed'], HANDSHAKE_PATIENCE);
  return reason;
}

function expectFailure(expected: (reason: FailureReason) => boolean, outcome: FailureReason | undefined): void {
  if (outcome === undefined) throw new Error('the tunnel came up');
  if (!expected(outcome)) throw new Error(`another reason was expected than ${JSON.stringify(outcome)}`);
}

function expectLog({ log = [] }: Scenario, { charon }: Stage): void {
  const missing = log.find((line) => !line.test(charon.log()));
  if (missing !== undefined) throw new Error(`the peer's log has no ${missing}`);
}

async function tearDown({ edge, charon }: Stage): Promise<void> {
  const { ikes } = await edge.status();
  if (ikes.some(({ state }) => state === 'established')) {
    await edge.command('delete-ike');
    await edge.event(['ike-closed', 'ike-failed'], HANDSHAKE_PATIENCE);
  }
  const left = await charon.swanctl('--list-sas', '--noblock');
  if (left.trim() !== '') await charon.swanctl('--terminate', '--ike', 'interop', '--force', '--timeout', '1');
}

const HANDSHAKE_PATIENCE = 8000;
