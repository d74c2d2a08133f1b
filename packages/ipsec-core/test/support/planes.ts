import { createHash, randomFillSync } from 'node:crypto';
import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type DataPlaneOptions,
  type DropReason,
  type EspAssociationParameters,
  parsePrefix,
  type SecurityPolicy,
  type TrafficSelector,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';

/** A selector of prefixes in text; without more, of any protocol and ports. */
export function selector(
  local: readonly string[],
  remote: readonly string[],
  more: Partial<TrafficSelector> = {},
): TrafficSelector {
  return {
    localAddresses: local.map((prefix) => parsePrefix(prefix).range),
    remoteAddresses: remote.map((prefix) => parsePrefix(prefix).range),
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
    ...more,
  };
}

export function protect(entryId: string, of: TrafficSelector, tunnelId = 't'): SecurityPolicy {
  return { entryId, ruleId: 'r', selectors: [of], action: 'PROTECT', tunnelId };
}

export function bypass(entryId: string, of: TrafficSelector): SecurityPolicy {
  return { entryId, ruleId: 'r', selectors: [of], action: 'BYPASS' };
}

export function plane(policies: readonly SecurityPolicy[], options: Partial<DataPlaneOptions> = {}): DataPlane {
  const made = createDataPlane({
    provider: nodeCryptoProvider,
    random: (out) => void randomFillSync(out),
    ...options,
  });
  made.installPolicy(createSecurityPolicyDatabase(policies));
  return made;
}

/** AES-128-GCM in tunnel mode, with ESN, in tunnel `t`, for 1000 s. */
export function association(
  direction: 'inbound' | 'outbound',
  more: Partial<EspAssociationParameters> = {},
): EspAssociationParameters {
  return {
    direction,
    tunnelId: 't',
    spi: 0x1000,
    protocol: 'esp',
    mode: 'tunnel',
    suite: 'aes-gcm-16',
    keyBits: 128,
    keyingMaterial: Uint8Array.from(createHash('sha256').update('key').digest().subarray(0, 20)),
    extendedSequenceNumbers: true,
    replayWindow: 1024,
    softLifetimeMilliseconds: 1e9,
    hardLifetimeMilliseconds: 1e9,
    ...more,
  };
}

/** Reasons that occurred, with their counts. */
export function drops(of: DataPlane): Partial<Record<DropReason, number>> {
  return Object.fromEntries(
    of.drops().flatMap(({ reason, packets }) => (packets > 0n ? [[reason, Number(packets)]] : [])),
  );
}

/** What became of one clear packet: the packets that left, the ICMP errors, and the reasons of those that did not. */
export interface Sent {
  readonly packets: Uint8Array[];
  readonly verdicts: string[];
  readonly reasons: DropReason[];
  readonly icmpErrors: Uint8Array[];
}

/** Sends a packet as a caller does who takes everything that comes of it. */
export function send(from: DataPlane, packet: Uint8Array, now = 1): Sent {
  const sent: Sent = { packets: [], verdicts: [], reasons: [], icmpErrors: [] };
  const arena = new Uint8Array(70_000);
  const at = 100;
  arena.set(packet, at);
  let result = from.protect(arena, at, packet.length, arena, at - 40, now);
  for (let pieces = 0; pieces < 100; pieces++) {
    const { verdict, length, reason, copied } = result;
    sent.verdicts.push(verdict);
    if (reason !== undefined) sent.reasons.push(reason);
    const start = verdict === 'bypass' && !copied ? at : at - 40;
    if (length > 0) sent.packets.push(arena.slice(start, start + length));
    if (result.icmpErrorLength > 0) {
      const error = new Uint8Array(result.icmpErrorLength);
      from.takeIcmpError(error, 0);
      sent.icmpErrors.push(error);
    }
    if (!result.more) return sent;
    result = from.protectMore(arena, at - 40, now);
  }
  throw new Error('it never ends');
}

/** Opens what a peer has sent: the clear packets, and the reasons of those that were refused. */
export function receive(at: DataPlane, packets: readonly Uint8Array[], whole: boolean, now = 1) {
  const received = { packets: [] as Uint8Array[], reasons: [] as DropReason[] };
  for (const packet of packets) {
    const out = new Uint8Array(packet.length);
    const opened = whole
      ? at.openIp(packet, 0, packet.length, out, 0, now)
      : at.open(packet, 0, packet.length, out, 0, now);
    if (opened.reason !== undefined) received.reasons.push(opened.reason);
    else received.packets.push(out.slice(0, opened.length));
  }
  return received;
}
