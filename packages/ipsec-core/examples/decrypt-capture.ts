import {
  classifyEncapsulated,
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  formatAddress,
  nobleProvider,
  PROTOCOL,
  type SecurityAssociationParameters,
} from '@weft/ipsec-core';
import { readPcap } from './pcap.js';

/**
 * Says what is inside the protected packets of a capture, one line each, given the associations with their keys. Tunnel
 * and transport mode, ESP and AH, and ESP in UDP.
 */
// #region decrypt
export function decryptCapture(
  file: Uint8Array,
  associations: readonly SecurityAssociationParameters[],
): readonly string[] {
  const plane = createDataPlane({ provider: nobleProvider, random: noRandomness });
  // Whatever came through an association is wanted: one entry per tunnel would check selectors as well.
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'all', ruleId: 'all', selectors: [any], action: 'PROTECT', tunnelId: 'capture' },
    ]),
  );
  for (const association of associations) plane.install({ ...association, tunnelId: 'capture' }, 0);

  return readPcap(file).map(({ octets }, index) => {
    const clear = new Uint8Array(octets.length);
    const { verdict, length, reason } = open(plane, octets, clear);
    const inside = verdict === 'deliver' ? describe(clear.subarray(0, length)) : reason;
    return `${index + 1}: ${describe(octets)}: ${inside}`;
  });
}

function open(plane: DataPlane, packet: Uint8Array, clear: Uint8Array) {
  const encapsulated = espInUdp(packet);
  return encapsulated === undefined
    ? plane.openIp(packet, 0, packet.length, clear, 0, 0)
    : plane.open(packet, encapsulated, packet.length - encapsulated, clear, 0, 0);
}
// #endregion

/** Offset of ESP behind UDP port 4500 (RFC 3948); undefined when there is none. */
function espInUdp(packet: Uint8Array): number | undefined {
  const { header, protocol } = ipHeader(packet);
  const ports = [0, 2].map((at) => ((packet[header + at] ?? 0) << 8) | (packet[header + at + 1] ?? 0));
  if (protocol !== PROTOCOL.udp || !ports.includes(4500)) return undefined;
  const payload = header + 8;
  const kind = classifyEncapsulated(packet, payload, Math.max(0, packet.length - payload));
  return kind === 'esp' ? payload : undefined;
}

/** `source > destination protocol N, N octets`. */
function describe(packet: Uint8Array): string {
  const { protocol, source, destination } = ipHeader(packet);
  return `${formatAddress(source)} > ${formatAddress(destination)} protocol ${protocol}, ${packet.length} octets`;
}

function ipHeader(packet: Uint8Array) {
  if ((packet[0] ?? 0) >>> 4 === 6) {
    return {
      header: 40,
      protocol: packet[6] ?? 0,
      source: packet.slice(8, 24),
      destination: packet.slice(24, 40),
    };
  }
  return {
    header: ((packet[0] ?? 0) & 15) * 4,
    protocol: packet[9] ?? 0,
    source: packet.slice(12, 16),
    destination: packet.slice(16, 20),
  };
}

/** A receiver needs randomness only to spread lifetimes. */
function noRandomness(out: Uint8Array): void {
  out.fill(0);
}
