import type { FailureReason } from '@weft/ipsec-core/ike';
import type { Expectation, FailurePattern, Scenario } from './scenario.js';
import type { Stage } from './stage.js';
import { exchangeTraffic, pingBothWays } from './traffic/traffic.js';

/** Plays a scenario once. Throws with the reason when it does not go as expected; both ends are bare again afterwards. */
export async function runScenario(scenario: Scenario, stage: Stage): Promise<void> {
  const { edge, charon } = stage;
  await charon.load(scenario.theirs, scenario.files);
  await edge.configure(scenario.ours);
  await scenario.conditions?.set(stage);
  try {
    const outcome = await handshake(stage);
    expectLog(scenario, stage);
    await judge(scenario.expect, outcome, stage);
    await scenario.afterwards?.(stage);
  } finally {
    await scenario.conditions?.unset(stage);
    await tearDown(stage);
  }
}

/** Lets the initiator initiate. @returns why there is no Child SA; undefined when there is one. */
export async function handshake({ initiator, edge, charon }: Stage): Promise<FailureReason | undefined> {
  const from = edge.news.length;
  if (initiator === 'us') await edge.command('initiate');
  else await charon.swanctl('--initiate', '--child', 'net', '--timeout', '5').catch(() => undefined);
  const failures = ['ike-failed', 'ike-attempt-failed', 'stranger-refused'] as const;
  const outcome = await edge.event(['ike-established', ...failures], HANDSHAKE_PATIENCE, from);
  if (outcome.kind !== 'ike-established') return outcome.reason;
  return edge.childOutcome(HANDSHAKE_PATIENCE, from);
}

async function judge(expected: Expectation, outcome: FailureReason | undefined, stage: Stage): Promise<void> {
  if (typeof expected === 'object') {
    const pattern = expected.fails[stage.initiator];
    if (outcome === undefined) throw new Error('the tunnel came up');
    if (pattern === undefined || !fits(outcome, pattern)) {
      throw new Error(`another reason was expected than ${JSON.stringify(outcome)}`);
    }
    return;
  }
  if (outcome !== undefined) throw new Error(`the handshake failed: ${JSON.stringify(outcome)}`);
  if (expected === 'traffic') await exchangeTraffic(stage.ends);
  else if (expected === 'pings') await pingBothWays(stage.ends);
}

function fits(reason: FailureReason, pattern: FailurePattern): boolean {
  const told = reason as { code: string; notify?: string; exchange?: string; detail?: string };
  const refusals = reason.code === 'no_proposal_chosen' ? reason.refusals : [];
  return (
    told.code === pattern.code &&
    (pattern.notify === undefined || told.notify === pattern.notify) &&
    (pattern.exchange === undefined || told.exchange === pattern.exchange) &&
    (pattern.detail === undefined || pattern.detail.test(told.detail ?? '')) &&
    (pattern.differsIn === undefined ||
      refusals.some(
        (refusal) =>
          refusal.reason === 'transforms' && refusal.differences.some(({ type }) => type === pattern.differsIn),
      ))
  );
}

function expectLog({ log = [] }: Scenario, { charon }: Stage): void {
  const missing = log.find((line) => !line.test(charon.log()));
  if (missing !== undefined) throw new Error(`the peer's log has no ${missing}`);
}

async function tearDown({ edge, charon }: Stage): Promise<void> {
  const { ikes } = await edge.status();
  if (ikes.some(({ state }) => state === 'established')) {
    const from = edge.news.length;
    await edge.command('delete-ike');
    await edge.event(['ike-closed', 'ike-failed'], HANDSHAKE_PATIENCE, from);
  }
  const left = await charon.swanctl('--list-sas', '--noblock');
  // One that we gave up after IKE_SA_INIT has no name there, and goes by itself.
  if (/^interop:/m.test(left)) await charon.swanctl('--terminate', '--ike', 'interop', '--force', '--timeout', '1');
}

/** A bound for machines that do much else; nothing is waited for that has happened. */
const HANDSHAKE_PATIENCE = 30_000;
