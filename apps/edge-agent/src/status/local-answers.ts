import type { EdgeBlind } from '../blind/edge-blind.js';
import type { CertificateRenewal } from '../control/certificate-renewal.js';
import type { ClosedUntilFirstBundle } from '../control/closed-until-first-bundle.js';
import type { DriftWatch } from '../control/drift-watch.js';
import type { Edge } from '../control/edge.js';
import type { PendingEnrollment } from '../control/pending-enrollment.js';
import type { SessionLoop } from '../control/session-loop.js';
import type { DataPlaneThread } from '../dataplane/data-plane-thread.js';
import type { CurrentIdentity } from '../identity/current-identity.js';
import type { EdgeIke } from '../ike/edge-ike.js';
import { edgeMetrics, renderMetrics } from '../metrics/edge-metrics.js';
import { readDeviceDrops } from '../network/device-drops.js';
import type { FenceState } from '../network/fence-ruleset.js';
import { type AgentLog, LOG_LEVELS } from '../platform/log.js';
import type { RecentLines } from '../platform/recent-lines.js';
import { AGENT_VERSION } from '../platform/version.js';
import type { Settings } from '../settings/settings.js';
import { type AgentStatus, agentStatus } from './agent-status.js';
import { diagnose } from './diagnosis.js';
import { type IkeReport, ikeReport } from './ike-report.js';
import { packetAccount } from './packet-account.js';
import { type Answers, QuestionError } from './status-socket.js';

/** The parts of a running agent that know the answers. */
export interface LocalAnswersParts {
  readonly identity: Pick<CurrentIdentity, 'value'>;
  readonly renewal: Pick<CertificateRenewal, 'state'>;
  readonly pending: Pick<PendingEnrollment, 'waiting'>;
  readonly device: string;
  readonly settings: Settings;
  readonly session: Pick<SessionLoop, 'connected'>;
  readonly edge: Pick<Edge, 'running'>;
  readonly closed: Pick<ClosedUntilFirstBundle, 'networks'>;
  readonly dataPlane: Pick<DataPlaneThread, 'snapshot' | 'explain'>;
  readonly ike: Pick<EdgeIke, 'states' | 'drops' | 'negotiations'>;
  readonly blind: Pick<EdgeBlind, 'states' | 'drops'>;
  readonly readFence: () => Promise<FenceState | undefined>;
  readonly drift: Pick<DriftWatch, 'repairs'>;
  readonly log: AgentLog;
  readonly recent: RecentLines;
}

/** Metrics are served elsewhere too. */
export interface LocalAnswers extends Answers {
  readonly metrics: () => Promise<string>;
}

/** What a running agent answers on its socket. */
export function localAnswers(parts: LocalAnswersParts): LocalAnswers {
  const status = () => statusOf(parts);
  const ike = async () => ikeOf(parts);
  const metrics = () => metricsOf(parts);
  return {
    status,
    ike,
    metrics,
    explain: (packet) => explain(parts, packet),
    'log-level': async (level) => changeLevel(parts.log, level),
    diagnose: async () =>
      diagnose({
        settings: { ...parts.settings },
        status: await status(),
        ike: await ike(),
        metrics: await metrics(),
        log: parts.recent.all(),
        takenAt: new Date(),
      }),
  };
}

async function statusOf(parts: LocalAnswersParts): Promise<AgentStatus> {
  const { identity, renewal, pending, device, session, edge, closed, dataPlane, ike, blind } = parts;
  return agentStatus({
    identity: identity.value,
    renewal: renewal.state,
    pending: await pending.waiting(),
    agentVersion: AGENT_VERSION,
    device,
    connected: session.connected,
    bundle: edge.running,
    closedNetworks: closed.networks,
    snapshot: await dataPlane.snapshot(),
    negotiations: ike.states(),
    blind: blind.states(),
    ikeDrops: [...ike.drops(), ...blind.drops()],
    takenAt: new Date(),
  });
}

function ikeOf({ identity, edge, ike }: LocalAnswersParts): IkeReport {
  return ikeReport({
    edgeName: identity.value.edgeName,
    peers: new Map([...(edge.running?.tunnels.values() ?? [])].map(({ tunnelId, peerName }) => [tunnelId, peerName])),
    states: ike.states(),
    negotiations: ike.negotiations(),
    wallClock: dated(performance.now(), Date.now()),
  });
}

/** Dates moments of the monotonic clock by the wall clock as it is now: it may have been set since. */
function dated(now: number, wallNow: number): (at: number) => Date {
  return (at) => new Date(wallNow - (now - at));
}

async function metricsOf(parts: LocalAnswersParts): Promise<string> {
  const { identity, renewal, device, session, edge, dataPlane, ike, blind, readFence, drift } = parts;
  return renderMetrics(
    edgeMetrics({
      identity: identity.value,
      renewal: renewal.state,
      now: Date.now(),
      agentVersion: AGENT_VERSION,
      connected: session.connected,
      bundle: edge.running,
      snapshot: await dataPlane.snapshot(),
      negotiations: ike.states(),
      blind: blind.states(),
      ikeDrops: [...ike.drops(), ...blind.drops()],
      deviceDrops: await readDeviceDrops(device),
      fence: await readFence(),
      repairs: drift.repairs,
    }),
  );
}

async function explain({ dataPlane, edge }: LocalAnswersParts, argument: string) {
  const packet = Buffer.from(argument, 'base64');
  if (packet.length === 0) throw new QuestionError('question_refused', 'there is no packet', 'say which');
  return packetAccount(await dataPlane.explain(Uint8Array.from(packet)), edge.running);
}

function changeLevel(log: AgentLog, level: string): string {
  const known = LOG_LEVELS.find((one) => one === level);
  if (known === undefined) {
    const levels = LOG_LEVELS.join(', ');
    throw new QuestionError(
      'question_refused',
      `${JSON.stringify(level)} is no level of the log`,
      `say one of ${levels}`,
    );
  }
  log.level = known;
  log.info({ level: known }, 'the log says more or less from now on');
  return known;
}
