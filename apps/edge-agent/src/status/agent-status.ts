import { formatAddress } from '@weft/ipsec-core';
import { z } from 'zod';
import type { BlindState } from '../blind/blind-state.js';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { CertificateState } from '../control/certificate-renewal.js';
import type { WaitingIdentity } from '../control/pending-enrollment.js';
import { wallClock } from '../control/status-report.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { Identity } from '../identity/identity.js';
import type { TunnelNegotiation } from '../ike/negotiation-state.js';
import { isPostQuantum, keyExchangeNames } from './key-exchange-names.js';
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
  /** Certificate authorities by which a controller and other edges are believed; version 0: those of the enrollment. */
  trust: z.object({ version: z.number(), anchors: z.number(), underIssuing: z.boolean() }),
  /** What `weft-edge enroll` has brought beside the identity in use, until a controller has welcomed it. */
  pendingIdentity: z
    .object({
      /** Null when the file cannot be used. */
      edge: z.object({ name: z.string(), id: z.string() }).nullable(),
      /** Null when nothing was tried yet. */
      problem: z.object({ reason: z.string(), fix: z.string() }).nullable(),
    })
    .nullable(),
  agentVersion: z.string(),
  device: z.string(),
  connected: z.boolean(),
  bundle: z
    .object({
      revision: Count,
      generation: Count,
      hash: z.string(),
      mtu: z.number(),
      underlay: z.string(),
      /** Networks that the site knows by `local`, and the fabric by `overlay`. */
      mappings: z.array(z.object({ local: z.string(), overlay: z.string() })),
      otherUnderlays: z.array(z.string()),
    })
    .nullable(),
  /** How many networks of other sites are closed before the first bundle; null with one, which decides that. */
  closedNetworks: z.number().nullable(),
  tunnels: z.array(
    z.object({
      id: z.string(),
      peer: z.string(),
      /** Where the bundle says that the peer is; `anywhere` of a host. */
      remote: z.string(),
      /** AH authenticates packets and encrypts nothing. */
      protocol: z.enum(['esp', 'ah']),
      /** In transport mode packets between the two underlay addresses are protected, and no others. */
      mode: z.enum(['tunnel', 'transport']),
      /** The algorithm that packets to the peer are protected with; null while there is no association for them. */
      suite: z.string().nullable(),
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
      /** How the keys stand whose shares the controller relays; null where they are made otherwise. */
      keyShares: z
        .object({
          /** Number of the keys in use; null: there are none. */
          root: z.number().nullable(),
          /** Why nothing passes, or soon will not. */
          alarm: z.string().nullable(),
          /** The last key share that was not taken, and why: somebody on the way may have altered it. */
          refusal: z.object({ code: z.string(), reason: z.string() }).nullable(),
        })
        .nullable(),
      /** How IKE stands; null where the edges do not negotiate. */
      ike: z
        .object({
          established: z.boolean(),
          keyExchange: z.array(z.string()),
          /** A postquantum preshared key was mixed in (RFC 8784). */
          ppk: z.boolean(),
          postQuantum: z.boolean(),
          failure: z.string().nullable(),
          /** It is negotiated when there is traffic for it, or when the host begins; null when it is negotiated, or to be. */
          waitsFor: z.enum(['traffic', 'host']).nullable(),
          /** Where the IKE SA meets the peer: of one behind a NAT, the outside of that; null without an IKE SA. */
          remote: z.string().nullable(),
          /** A NAT changes the addresses of this edge on the way. */
          localBehindNat: z.boolean(),
          /** The address of this edge that it goes from, and why it does not from the one before; null: it began there. */
          local: z.string().nullable(),
          pathCause: z.string().nullable(),
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
  readonly pending: WaitingIdentity | undefined;
  readonly agentVersion: string;
  readonly device: string;
  readonly connected: boolean;
  readonly bundle: VerifiedBundle | undefined;
  /** Closed before the first bundle; undefined with one. */
  readonly closedNetworks: number | undefined;
  readonly snapshot: DataPlaneSnapshot;
  /** Of the tunnels that this edge keys itself, by tunnel id. */
  readonly negotiations: ReadonlyMap<string, TunnelNegotiation>;
  /** Of the tunnels whose key shares the controller relays, by tunnel id. */
  readonly blind: ReadonlyMap<string, BlindState>;
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
    trust: {
      version: identity.trustVersion,
      anchors: identity.trustBundle.length,
      underIssuing: identity.underIssuingRoot,
    },
    pendingIdentity: pendingStatus(sources.pending),
    agentVersion: sources.agentVersion,
    device: sources.device,
    connected: sources.connected,
    bundle: bundle === undefined ? null : bundleStatus(bundle),
    closedNetworks: sources.closedNetworks ?? null,
    tunnels: [...(bundle?.tunnels.values() ?? [])].map((tunnel) => {
      const counted = counters.get(tunnel.tunnelId);
      return {
        id: tunnel.tunnelId,
        peer: tunnel.peerName,
        remote: tunnel.remote === undefined ? 'anywhere' : `${tunnel.remote.text} port ${tunnel.remote.port}`,
        protocol: tunnel.profile.protocol,
        mode: tunnel.profile.mode,
        suite: suiteStatus(snapshot, tunnel.tunnelId),
        inboundSpis: [...(counted?.inboundSpis ?? [])],
        outboundSpi: counted?.outboundSpi ?? null,
        inboundPackets: String(counted?.inboundPackets ?? 0n),
        inboundBytes: String(counted?.inboundBytes ?? 0n),
        outboundPackets: String(counted?.outboundPackets ?? 0n),
        outboundBytes: String(counted?.outboundBytes ?? 0n),
        lastReceivedAt: wallClock(counted?.lastReceivedAt, snapshot, takenAt)?.toISOString() ?? null,
        redundancy: redundancyStatus(snapshot, tunnel.tunnelId),
        path: pathStatus(snapshot, tunnel.tunnelId),
        keyShares: keySharesStatus(sources.blind.get(tunnel.tunnelId)),
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

function certificateStatus({ identity, renewal, takenAt }: StatusSources): AgentStatus['certificate'] {
  return {
    condition: renewal.condition,
    secondsLeft: Math.floor((identity.notAfter.getTime() - takenAt.getTime()) / 1000),
    renewalAt: renewal.renewalAt.toISOString(),
    problem: renewal.problem === undefined ? null : { ...renewal.problem },
  };
}

function pendingStatus(waiting: WaitingIdentity | undefined): AgentStatus['pendingIdentity'] {
  if (waiting === undefined) return null;
  const { edge, problem } = waiting;
  return { edge: edge === undefined ? null : { ...edge }, problem: problem === undefined ? null : { ...problem } };
}

function suiteStatus({ associations }: DataPlaneSnapshot, tunnelId: string): string | null {
  const sending = associations.find((one) => one.tunnelId === tunnelId && one.direction === 'outbound' && one.current);
  return sending?.suite ?? null;
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

function keySharesStatus(state: BlindState | undefined): AgentStatus['tunnels'][number]['keyShares'] {
  if (state === undefined) return null;
  const { inForce, alarm, refusal } = state;
  return { root: inForce === 0 ? null : inForce, alarm: alarm?.reason ?? null, refusal: refusal ?? null };
}

function ikeStatus(state: TunnelNegotiation | undefined): AgentStatus['tunnels'][number]['ike'] {
  if (state === undefined) return null;
  const { established, keyExchangeMethods, ppk, failure, waitsFor, path, pathCause } = state;
  return {
    established,
    keyExchange: keyExchangeNames(keyExchangeMethods),
    ppk,
    postQuantum: isPostQuantum(state),
    failure: failure ?? null,
    waitsFor: waitsFor ?? null,
    remote: path === undefined ? null : `${formatAddress(path.remote.address)} port ${path.remote.port}`,
    localBehindNat: path?.localBehindNat ?? false,
    local: path === undefined ? null : formatAddress(path.local.address),
    pathCause: path === undefined ? null : (pathCause ?? null),
  };
}

function bundleStatus(bundle: VerifiedBundle): NonNullable<AgentStatus['bundle']> {
  return {
    revision: bundle.revision.toString(),
    generation: bundle.generation.toString(),
    hash: bundle.contentHash,
    mtu: bundle.overlayMtu,
    underlay: `${bundle.underlay.text} port ${bundle.underlay.port}`,
    mappings: bundle.mappings.map(({ local, overlay }) => ({ local: local.text, overlay: overlay.text })),
    otherUnderlays: (bundle.otherUnderlays ?? []).map(({ text }) => text),
  };
}
