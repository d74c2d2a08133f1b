import { formatAddress } from '@weft/ipsec-core';
import type { BlindState } from '../blind/blind-state.js';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { CertificateState } from '../control/certificate-renewal.js';
import type { DataPlaneSnapshot } from '../dataplane/messages.js';
import type { Identity } from '../identity/identity.js';
import type { TunnelNegotiation } from '../ike/negotiation-state.js';
import type { FenceState } from '../network/fence-ruleset.js';
import { isPostQuantum } from '../status/key-exchange-names.js';
import { pathOf } from '../status/path-of.js';
import { METRICS, type MetricName } from './metric-table.js';

/** What the metrics are made from. */
export interface MetricSources {
  readonly identity: Pick<Identity, 'edgeName' | 'notAfter'>;
  readonly renewal: Pick<CertificateState, 'renewals' | 'failures'>;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly agentVersion: string;
  readonly connected: boolean;
  readonly bundle: VerifiedBundle | undefined;
  readonly snapshot: DataPlaneSnapshot;
  readonly negotiations: ReadonlyMap<string, TunnelNegotiation>;
  /** Of the tunnels whose key shares the controller relays. */
  readonly blind: ReadonlyMap<string, BlindState>;
  /** IKE messages that were lost or refused. */
  readonly ikeDrops: DataPlaneSnapshot['drops'];
  /** Packets that were dropped in front of the device. */
  readonly deviceDrops: bigint | undefined;
  readonly fence: FenceState | undefined;
  readonly repairs: number;
}

/** A value of a metric, with values for its labels in the order of the table. */
export interface Sample {
  readonly name: MetricName;
  readonly labels: readonly string[];
  readonly value: bigint | number;
}

/** Everything that an edge counts, at one moment. Pure. Counters belong to tunnels and entries and go on over every rekey. */
export function edgeMetrics(sources: MetricSources): readonly Sample[] {
  const { identity, bundle, snapshot, fence } = sources;
  const one = (name: MetricName, value: bigint | number, ...labels: string[]): Sample => ({ name, labels, value });
  return [
    one('weft_edge_info', 1, sources.agentVersion, identity.edgeName),
    one('weft_edge_controller_connected', Number(sources.connected)),
    one('weft_edge_bundle_generation', bundle?.generation ?? 0),
    one('weft_edge_bundle_revision', bundle?.revision ?? 0),
    one('weft_edge_certificate_expiry_seconds', Math.floor(identity.notAfter.getTime() / 1000)),
    one('weft_edge_certificate_left_seconds', Math.floor((identity.notAfter.getTime() - sources.now) / 1000)),
    one('weft_edge_certificate_renewals_total', sources.renewal.renewals),
    one('weft_edge_certificate_renewal_failures_total', sources.renewal.failures),
    ...snapshot.tunnels.flatMap((tunnel) => tunnelSamples(tunnel, sources)),
    ...[...sources.blind].flatMap(([tunnelId, state]) => keyShareSamples(tunnelId, state, peerOf(bundle, tunnelId))),
    ...[...sources.negotiations].flatMap(([tunnelId, state]) => ikeSamples(tunnelId, state, peerOf(bundle, tunnelId))),
    ...snapshot.policies.flatMap(({ entryId, ruleId, packets, bytes, inboundPackets, inboundBytes, drops }) => [
      one('weft_edge_policy_packets_total', packets, entryId, ruleId),
      one('weft_edge_policy_bytes_total', bytes, entryId, ruleId),
      one('weft_edge_policy_received_packets_total', inboundPackets, entryId, ruleId),
      one('weft_edge_policy_received_bytes_total', inboundBytes, entryId, ruleId),
      ...drops.map(({ reason, packets: lost }) =>
        one('weft_edge_policy_dropped_packets_total', lost, entryId, ruleId, reason),
      ),
    ]),
    ...[...snapshot.drops, ...sources.ikeDrops].map(({ reason, packets }) =>
      one('weft_edge_dropped_packets_total', packets, reason),
    ),
    one('weft_edge_device_dropped_packets_total', sources.deviceDrops ?? 0),
    ...snapshot.underlayErrors.map(({ reason, messages }) => one('weft_edge_underlay_errors_total', messages, reason)),
    ...snapshot.pathMtuMessages.map(({ outcome, messages }) =>
      one('weft_edge_path_mtu_messages_total', messages, outcome),
    ),
    one('weft_edge_nat_keepalives_total', snapshot.keepalives),
    one('weft_edge_fence_arrived_packets_total', fence?.arrivedInClear ?? 0),
    one('weft_edge_fence_left_packets_total', fence?.leftInClear ?? 0),
    one('weft_edge_repairs_total', sources.repairs),
    one('weft_edge_workers', snapshot.workers.length),
    ...snapshot.workers.flatMap(({ replacements, heartbeat, busyMilliseconds }, worker) => [
      one('weft_edge_worker_replacements_total', replacements, String(worker)),
      one('weft_edge_worker_turns_total', heartbeat, String(worker)),
      one('weft_edge_worker_busy_seconds_total', busyMilliseconds / 1000, String(worker)),
    ]),
  ];
}

/** The text exposition format of Prometheus, version 0.0.4. Samples of one metric stand together, in the order of the table. */
export function renderMetrics(samples: readonly Sample[]): string {
  return METRICS.flatMap(({ name, type, help, labels }) => {
    const ours = samples.filter((sample) => sample.name === name);
    if (ours.length === 0) return [];
    const lines = ours.map((sample) => {
      const pairs = labels.map((label, index) => `${label}="${escaped(sample.labels[index] ?? '')}"`);
      return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${sample.value}`;
    });
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
  })
    .join('\n')
    .concat('\n');
}

function tunnelSamples(
  tunnel: DataPlaneSnapshot['tunnels'][number],
  { bundle, snapshot, negotiations }: MetricSources,
): Sample[] {
  const labels = [tunnel.tunnelId, peerOf(bundle, tunnel.tunnelId)];
  const path = pathOf(snapshot, tunnel.tunnelId);
  const configured = bundle?.tunnels.get(tunnel.tunnelId);
  const profile = configured?.profile;
  const isHost = configured !== undefined && configured.remote === undefined;
  const negotiation = negotiations.get(tunnel.tunnelId);
  const waits = negotiation?.waitsFor !== undefined;
  const keyed = tunnel.outboundSpi !== undefined && tunnel.inboundSpis.length > 0;
  const of = (name: MetricName, value: bigint | number): Sample => ({ name, labels, value });
  return [
    of('weft_edge_tunnel_keyed', Number(keyed)),
    ...(negotiation === undefined
      ? []
      : [of(isHost ? 'weft_edge_tunnel_waits_for_host' : 'weft_edge_tunnel_waits_for_traffic', Number(waits))]),
    ...(profile === undefined
      ? []
      : [
          of('weft_edge_tunnel_encrypted', Number(profile.protocol === 'esp')),
          of('weft_edge_tunnel_transport_mode', Number(profile.mode === 'transport')),
        ]),
    of('weft_edge_tunnel_received_packets_total', tunnel.inboundPackets),
    of('weft_edge_tunnel_received_bytes_total', tunnel.inboundBytes),
    of('weft_edge_tunnel_sent_packets_total', tunnel.outboundPackets),
    of('weft_edge_tunnel_sent_bytes_total', tunnel.outboundBytes),
    ...snapshot.groups
      .flatMap(({ tunnels }) => tunnels)
      .filter(({ tunnelId }) => tunnelId === tunnel.tunnelId)
      .flatMap(({ alive, chosen }) => [
        of('weft_edge_tunnel_alive', Number(alive)),
        of('weft_edge_tunnel_chosen', Number(chosen)),
      ]),
    ...(tunnel.lastReceivedAt === undefined
      ? []
      : [of('weft_edge_tunnel_silence_seconds', Math.max(0, snapshot.now - tunnel.lastReceivedAt) / 1000)]),
    ...(path === undefined
      ? []
      : [
          of('weft_edge_tunnel_path_mtu_bytes', path.pathMtu),
          of('weft_edge_tunnel_largest_packet_bytes', path.largestPacket),
        ]),
    of('weft_edge_path_probes_total', tunnel.pathProbes),
    of('weft_edge_path_probe_answers_total', tunnel.pathProbeAnswers),
    of('weft_edge_path_black_holes_total', tunnel.pathBlackHoles),
    ...(tunnel.roundTrip === undefined ? [] : [of('weft_edge_tunnel_round_trip_seconds', tunnel.roundTrip / 1000)]),
    of('weft_edge_round_trip_probes_total', tunnel.roundTripProbes),
    of('weft_edge_round_trip_answers_total', tunnel.roundTripAnswers),
    ...tunnel.drops.map(
      ({ reason, packets }): Sample => ({
        name: 'weft_edge_tunnel_dropped_packets_total',
        labels: [...labels, reason],
        value: packets,
      }),
    ),
    of('weft_edge_tunnel_rekeys_total', tunnel.rekeys),
  ];
}

function ikeSamples(tunnelId: string, state: TunnelNegotiation, peer: string): Sample[] {
  const labels = [tunnelId, peer];
  const { established, rekeys, failuresByCause, pathChangesByCause, path } = state;
  const uplink = path === undefined ? [] : [formatAddress(path.local.address)];
  return [
    { name: 'weft_edge_ike_established', labels, value: Number(established) },
    { name: 'weft_edge_ike_rekeys_total', labels, value: rekeys },
    { name: 'weft_edge_ike_post_quantum', labels, value: Number(established && isPostQuantum(state)) },
    ...uplink.map((address): Sample => ({ name: 'weft_edge_ike_uplink', labels: [...labels, address], value: 1 })),
    ...Object.entries(pathChangesByCause).map(
      ([cause, value]): Sample => ({ name: 'weft_edge_ike_path_changes_total', labels: [...labels, cause], value }),
    ),
    ...Object.entries(failuresByCause).map(
      ([cause, value]): Sample => ({ name: 'weft_edge_ike_failures_total', labels: [...labels, cause], value }),
    ),
  ];
}

function keyShareSamples(tunnelId: string, { inForce, alarm, refusals }: BlindState, peer: string): Sample[] {
  const labels = [tunnelId, peer];
  return [
    { name: 'weft_edge_key_share_root', labels, value: inForce },
    { name: 'weft_edge_key_share_alarm', labels, value: Number(alarm !== undefined) },
    ...Object.entries(refusals).map(
      ([reason, value]): Sample => ({
        name: 'weft_edge_key_share_refusals_total',
        labels: [...labels, reason],
        value,
      }),
    ),
  ];
}

function peerOf(bundle: VerifiedBundle | undefined, tunnelId: string): string {
  return bundle?.tunnels.get(tunnelId)?.peerName ?? '';
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
