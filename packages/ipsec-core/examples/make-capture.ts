import {
  createDataPlane,
  createSecurityPolicyDatabase,
  nobleProvider,
  type SecurityAssociationParameters,
} from '@weft/ipsec-core';
import { type CapturedPacket, writePcap } from './pcap.js';
import { createAssociation, type Random } from './two-engines.js';

/** A capture of one clear packet on its way in four forms, and the associations that open them. */
export function makeCapture(
  random: Random,
  packet: Uint8Array,
): { readonly file: Uint8Array; readonly associations: readonly SecurityAssociationParameters[] } {
  const esp = (mode: 'tunnel' | 'transport') => createAssociation(mode, random);
  const ahKey = new Uint8Array(32);
  random(ahKey);
  const { suite: _, keyBits: __, ...common } = esp('transport');
  const { outer: ___, ...inUdp } = esp('tunnel');
  const forms = [
    { ...esp('tunnel'), spi: 0x1001 },
    { ...esp('transport'), spi: 0x1002 },
    { ...common, spi: 0x1003, protocol: 'ah', integrity: 'hmac-sha2-256-128', keyingMaterial: ahKey },
    { ...inUdp, spi: 0x1004 },
  ] as const;
  const packets = forms.map((form, i): CapturedPacket => {
    const octets = protect({ ...form, direction: 'outbound' }, random, packet);
    return { timestamp: 1_700_000_000_000 + i, octets: form.spi === 0x1004 ? inDatagram(octets) : octets };
  });
  // The last packet once more, as somebody might replay it.
  const replayed = packets.slice(-1);
  return {
    file: writePcap([...packets, ...replayed]),
    associations: forms.map((form) => ({ ...form, direction: 'inbound' as const })),
  };
}

function protect(association: SecurityAssociationParameters, random: Random, packet: Uint8Array): Uint8Array {
  const plane = createDataPlane({ provider: nobleProvider, random });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'all', ruleId: 'all', selectors: [any], action: 'PROTECT', tunnelId: association.tunnelId },
    ]),
  );
  plane.install(association, 0);
  const out = new Uint8Array(packet.length + 120);
  const { length } = plane.protect(packet, 0, packet.length, out, 0, 1);
  return out.slice(0, length);
}

/** What a UDP socket on port 4500 puts around ESP (RFC 3948): IPv4 and UDP, 192.0.2.1 to 192.0.2.2, no checksums. */
function inDatagram(esp: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(28 + esp.length);
  const view = new DataView(datagram.buffer);
  view.setUint32(0, (0x45 << 24) | datagram.length);
  view.setUint32(8, (64 << 24) | (17 << 16));
  view.setUint32(12, 0xc0000201);
  view.setUint32(16, 0xc0000202);
  view.setUint32(20, (4500 << 16) | 4500);
  view.setUint16(24, 8 + esp.length);
  datagram.set(esp, 28);
  return datagram;
}
