import { z } from 'zod';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { CertificateState } from '../control/certificate-renewal.js';
import { EXPIRED_FIX } from '../control/session-problem.js';
import { wallClock } from '../control/status-report.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { Identity } from '../identity/identity.js';
import type { NegotiationState } from '../ike/negotiation-state.js';
import { isPostQuantum, keyExchangeNames, keysMadeWith } from './key-exchange-names.js';
import { pathOf } from './path-of.js';

const Count = z.string().regex(/^[0-9]+$/);

/** What `weft-edge status` shows. 64-bit counts are decimal strings: JSON numbers would round them. */
export const AgentStatus = z.object({
  edge: z.object({ name: z.string(), id: z.string(), tenantId: z.string(), certificateNotAfter: z.string() }),
  /** How the certificate of the edge stands, and when it is renewed. */
  certificate: z.object({
    condition: z.enum(['not_yet_valid', 'valid', 'renewal_due', 'expired']),
    /** Until it expires; negative when it has. */
    secondsLeft: z.number(),
    renewalAt: z.string(),
    /** Why the last attempt to renew it failed, and what to do. */
    problem: z.object({ reason: z.string(), fix: z.string() }).nullable(),
  }),
  agentVersion: z.string(),
  device: z.string(),
  connected: z.boolean(),
  bundle: z
    .object({ revision: Count, generation: Count, hash: z.string(), mtu: z.number(), underlay: z.string() })
    .nullable(),
  tunnels: z.array(
    z.object({
      id: z.string(),
      peer: z.string(),
      remote: z.string(),
      inboundSpis: z.array(z.number()),
      outboundSpi: z.number().nullable(),
      inboundPackets: Count,
      inboundBytes: Count,
      outboundPackets: Count,
      outboundBytes: Count,
      lastReceivedAt: z.string().nullable(),
      /** Of a tunnel to a site with several edges: whether the peer answers, and whether packets for the site go to it. */
      redundancy: z.object({ alive: z.boolean(), chosen: z.boolean() }).nullable(),
      /** What its path carries, octet by octet; null where that is not known or differs from packet to packet. */
      path: z
        .object({
          pathMtu: z.number(),
          source: z.enum(['configured', 'icmp', 'probe']),
          /** State of the search (RFC 8899); null: there is none. */
          search: z.string().nullable(),
          outerIpHeader: z.number(),
          udpHeader: z.number(),
          espOverhead: z.number(),
          unused: z.number(),
          largestPacket: z.number(),
          maximumSegmentSize4: z.number().nullable(),
          maximumSegmentSize6: z.number().nullable(),
          probes: Count,
          probeAnswers: Count,
          blackHoles: Count,
          /** Smoothed milliseconds until the peer has answered a probe; null before the first answer. */
          roundTripMilliseconds: z.number().nullable(),
          /** Probes of a size that is known to pass, and how many of them were answered. */
          roundTripProbes: Count,
          roundTripAnswers: Count,
        })
        .nullable(),
      /** How IKE stands; null where the controller makes the keys. */
      ike: z
        .object({
          established: z.boolean(),
          keyExchange: z.array(z.string()),
          /** A postquantum preshared key was mixed in (RFC 8784). */
          ppk: z.boolean(),
          postQuantum: z.boolean(),
          failure: z.string().nullable(),
        })
        .nullable(),
    }),
  ),
  drops: z.array(z.object({ reason: z.string(), packets: Count })),
  /** What the underlay said about packets of this edge: ICMP of any type, by reason. */
  underlayErrors: z.array(z.object({ reason: z.string(), messages: Count })),
  /** What the engine made of those that said "too big". */
  pathMtuMessages: z.array(z.object({ outcome: z.string(), messages: Count })),
  /** Threads of the packet path: how often each was replaced because it ended or stalled, and how much of its time it had something to do, 0 to 1. */
  workers: z.array(z.object({ replacements: z.number(), load: z.number() })),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

/** What `agentStatus` is made from. */
export interface StatusSources {
  readonly identity: Identity;
  readonly renewal: CertificateState;
  readonly agentVersion: string;
  readonly device: string;
  readonly connected: boolean;
  readonly bundle: VerifiedBundle | undefined;
  readonly snapshot: DataPlaneSnapshot;
  /** Of the tunnels that this edge keys itself, by tunnel id. */
  readonly negotiations: ReadonlyMap<string, NegotiationState>;
  /** IKE messages that were lost or refused. */
  readonly ikeDrops: DataPlaneSnapshot['drops'];
  readonly takenAt: Date;
}

/** The status of the agent at one moment. Pure. */
export function agentStatus(sources: StatusSources): AgentStatus {
  const { identity, bundle, snapshot, takenAt } = sources;
  const counters = new Map(snapshot.tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
  return {
    edge: {
      name: identity.edgeName,
      id: identity.edgeId,
      tenantId: identity.tenantId,
      certificateNotAfter: identity.notAfter.toISOString(),
    },
    certificate: certificateStatus(sources),
    agentVersion: sources.agentVersion,
    device: sources.device,
    connected: sources.connected,
    bundle: bundle === undefined ? null : bundleStatus(bundle),
    tunnels: [...(bundle?.tunnels.values() ?? [])].map((tunnel) => {
      const counted = counters.get(tunnel.tunnelId);
      return {
        id: tunnel.tunnelId,
        peer: tunnel.peerName,
        remote: `${tunnel.remote.text} port ${tunnel.remote.port}`,
        inboundSpis: [...(counted?.inboundSpis ?? [])],
        outboundSpi: counted?.outboundSpi ?? null,
        inboundPackets: String(counted?.inboundPackets ?? 0n),
        inboundBytes: String(counted?.inboundBytes ?? 0n),
        outboundPackets: String(counted?.outboundPackets ?? 0n),
        outboundBytes: String(counted?.outboundBytes ?? 0n),
        lastReceivedAt: wallClock(counted?.lastReceivedAt, snapshot, takenAt)?.toISOString() ?? null,
        redundancy: redundancyStatus(snapshot, tunnel.tunnelId),
        path: pathStatus(snapshot, tunnel.tunnelId),
        ike: ikeStatus(sources.negotiations.get(tunnel.tunnelId)),
      };
    }),
    drops: [...snapshot.drops, ...sources.ikeDrops].map(({ reason, packets }) => ({
      reason,
      packets: String(packets),
    })),
    underlayErrors: snapshot.underlayErrors.map(({ reason, messages }) => ({ reason, messages: String(messages) })),
    pathMtuMessages: snapshot.pathMtuMessages.map(({ outcome, messages }) => ({ outcome, messages: String(messages) })),
    workers: snapshot.workers.map(({ replacements, busyMilliseconds: busy, idleMilliseconds: idle }) => ({
      replacements,
      load: busy + idle > 0 ? busy / (busy + idle) : 0,
    })),
  };
}

/** The status as a table for people. Pure. */
export function renderStatus(status: AgentStatus): string {
  const { bundle } = status;
  const head = [
    ['edge', `${status.edge.name} (${status.edge.id})`],
    ['controller', status.connected ? 'connected' : 'not connected; the last bundle keeps running'],
    [
      'bundle',
      bundle === null ? 'none: nothing passes' : `revision ${bundle.revision}, generation ${bundle.generation}`,
    ],
    ['underlay', bundle?.underlay ?? '-'],
    ['device', bundle === null ? status.device : `${status.device}, MTU ${bundle.mtu}`],
    ['packet path', workerStatus(status.workers)],
    ['certificate', certificateLine(status)],
  ];
  const drops = status.drops.map(({ reason, packets }) => [reason, packets]);
  const heard = [
    ...status.underlayErrors,
    ...status.pathMtuMessages.map(({ outcome, messages }) => ({ reason: outcome, messages })),
  ];
  return [
    alignColumns(head),
    renderTunnels(status),
    drops.length === 0 ? 'no packet was dropped' : alignColumns([['DROPPED BECAUSE', 'PACKETS'], ...drops]),
    ...(heard.length === 0
      ? []
      : [alignColumns([['UNDERLAY SAYS', 'MESSAGES'], ...heard.map(({ reason, messages }) => [reason, messages])])]),
  ].join('\n\n');
}

/** Its tunnels alone, with the arithmetic of their paths. Pure. */
export function renderTunnels(status: Pick<AgentStatus, 'tunnels'>): string {
  const paths = status.tunnels.flatMap(({ peer, path }) => (path === null ? [] : [pathRow(peer, path)]));
  return paths.length === 0
    ? tunnelTable(status)
    : [tunnelTable(status), alignColumns([PATH_COLUMNS, ...paths])].join('\n\n');
}

function tunnelTable(status: Pick<AgentStatus, 'tunnels'>): string {
  const tunnels = status.tunnels.map((tunnel) => [
    tunnel.peer,
    tunnel.remote,
    tunnel.outboundSpi === null || tunnel.inboundSpis.length === 0
      ? (tunnel.ike?.failure ?? 'no associations')
      : keyedState(tunnel.redundancy),
    keysBy(tunnel.ike),
    tunnel.inboundPackets,
    tunnel.outboundPackets,
    tunnel.lastReceivedAt ?? 'never',
  ]);
  return alignColumns([
    ['PEER', 'REMOTE', 'STATE', 'KEYS BY', 'PACKETS IN', 'PACKETS OUT', 'LAST RECEIVED'],
    ...tunnels,
  ]);
}

function certificateStatus({ identity, renewal, takenAt }: StatusSources): AgentStatus['certificate'] {
  return {
    condition: renewal.condition,
    secondsLeft: Math.floor((identity.notAfter.getTime() - takenAt.getTime()) / 1000),
    renewalAt: renewal.renewalAt.toISOString(),
    problem: renewal.problem === undefined ? null : { ...renewal.problem },
  };
}

function certificateLine({ edge, certificate }: AgentStatus): string {
  const { condition, problem } = certificate;
  const until = `valid until ${edge.certificateNotAfter}, ${timeLeft(certificate.secondsLeft)}`;
  switch (condition) {
    case 'valid':
      return `${until}; renewed from ${certificate.renewalAt} on`;
    case 'renewal_due':
      return problem === null
        ? `${until}; is being renewed`
        : `${until}; NOT RENEWED: ${problem.reason} (${problem.fix})`;
    case 'expired':
      return `EXPIRED ${edge.certificateNotAfter}: ${EXPIRED_FIX}`;
    case 'not_yet_valid':
      return 'not valid yet: set the clock of this machine';
  }
}

function timeLeft(seconds: number): string {
  if (seconds >= 2 * DAY_SECONDS) return `${Math.floor(seconds / DAY_SECONDS)} days left`;
  if (seconds >= 2 * HOUR_SECONDS) return `${Math.floor(seconds / HOUR_SECONDS)} hours left`;
  return `${Math.floor(seconds / 60)} minutes left`;
}

function pathRow(peer: string, path: NonNullable<AgentStatus['tunnels'][number]['path']>): string[] {
  const { maximumSegmentSize4: mss4, maximumSegmentSize6: mss6 } = path;
  return [
    peer,
    String(path.pathMtu),
    path.search === null ? path.source : `${path.source}, ${path.search.replace('_', ' ')}`,
    String(path.outerIpHeader),
    String(path.udpHeader),
    String(path.espOverhead),
    String(path.unused),
    String(path.largestPacket),
    mss4 === null || mss6 === null ? 'as it is' : `${mss4} / ${mss6}`,
    roundTripText(path),
  ];
}

/** The arithmetic goes from left to right. */
const PATH_COLUMNS = [
  'PATH TO',
  'MTU',
  'FOUND BY',
  '- IP',
  '- UDP',
  '- ESP',
  '- UNUSED',
  '= LARGEST PACKET',
  'TCP MSS V4 / V6',
  'ROUND TRIP',
] as const;

function roundTripText(path: NonNullable<AgentStatus['tunnels'][number]['path']>): string {
  const { roundTripMilliseconds, roundTripProbes, roundTripAnswers } = path;
  if (roundTripMilliseconds === null) return '-';
  const lost = BigInt(roundTripProbes) - BigInt(roundTripAnswers);
  const time = `${roundTripMilliseconds.toFixed(roundTripMilliseconds < 10 ? 2 : 0)} ms`;
  return lost === 0n ? time : `${time}, ${lost} of ${roundTripProbes} probes lost`;
}

function pathStatus(snapshot: DataPlaneSnapshot, tunnelId: string): AgentStatus['tunnels'][number]['path'] {
  const path = pathOf(snapshot, tunnelId);
  const counted = snapshot.tunnels.find((tunnel) => tunnel.tunnelId === tunnelId);
  if (path === undefined) return null;
  const { raiseAt: _, maximumSegmentSize4, maximumSegmentSize6, ...arithmetic } = path;
  return {
    ...arithmetic,
    search: counted?.pathMtuSearch ?? null,
    maximumSegmentSize4: maximumSegmentSize4 ?? null,
    maximumSegmentSize6: maximumSegmentSize6 ?? null,
    probes: String(counted?.pathProbes ?? 0n),
    probeAnswers: String(counted?.pathProbeAnswers ?? 0n),
    blackHoles: String(counted?.pathBlackHoles ?? 0n),
    roundTripMilliseconds: counted?.roundTrip ?? null,
    roundTripProbes: String(counted?.roundTripProbes ?? 0n),
    roundTripAnswers: String(counted?.roundTripAnswers ?? 0n),
  };
}

function redundancyStatus(
  { groups }: DataPlaneSnapshot,
  tunnelId: string,
): AgentStatus['tunnels'][number]['redundancy'] {
  const found = groups.flatMap(({ tunnels }) => tunnels).find((tunnel) => tunnel.tunnelId === tunnelId);
  return found === undefined ? null : { alive: found.alive, chosen: found.chosen };
}

function keyedState(redundancy: AgentStatus['tunnels'][number]['redundancy']): string {
  if (redundancy === null) return 'keyed';
  const { alive, chosen } = redundancy;
  return `keyed, ${alive ? '' : 'does not answer, '}${chosen ? 'in use' : 'standing by'}`;
}

function workerStatus(workers: AgentStatus['workers']): string {
  const replacements = workers.reduce((sum, worker) => sum + worker.replacements, 0);
  const threads = `${workers.length} ${workers.length === 1 ? 'thread' : 'threads'}`;
  const load = workers.map((worker) => `${Math.round(100 * worker.load)} %`).join(', ');
  const busy = workers.length === 0 ? threads : `${threads}, busy ${load} of the time`;
  return replacements === 0 ? busy : `${busy}, replaced ${replacements} times: see the log`;
}

function ikeStatus(state: NegotiationState | undefined): AgentStatus['tunnels'][number]['ike'] {
  if (state === undefined) return null;
  const { established, keyExchangeMethods, ppk, failure } = state;
  return {
    established,
    keyExchange: keyExchangeNames(keyExchangeMethods),
    ppk,
    postQuantum: isPostQuantum(state),
    failure: failure ?? null,
  };
}

function keysBy(ike: AgentStatus['tunnels'][number]['ike']): string {
  if (ike === null) return 'the controller';
  if (!ike.established) return '-';
  return `${keysMadeWith(ike)}, ${ike.postQuantum ? 'post-quantum' : 'classical'}`;
}

function bundleStatus(bundle: VerifiedBundle): NonNullable<AgentStatus['bundle']> {
  return {
    revision: bundle.revision.toString(),
    generation: bundle.generation.toString(),
    hash: bundle.contentHash,
    mtu: bundle.overlayMtu,
    underlay: `${bundle.underlay.text} port ${bundle.underlay.port}`,
  };
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3_600;
