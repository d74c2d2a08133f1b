import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  nobleProvider,
  parsePrefix,
  type SecurityAssociationParameters,
  toHex,
} from '@weft/ipsec-core';

/** Two engines exchange one packet in tunnel mode and one in transport mode. Returns what it would print. */
export function twoEngines(random: (out: Uint8Array) => void, packet: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (const mode of ['tunnel', 'transport'] as const) {
    const sender = engine(random, '10.1.0.0/16', '10.2.0.0/16');
    const receiver = engine(random, '10.2.0.0/16', '10.1.0.0/16');
    const keyingMaterial = new Uint8Array(20);
    random(keyingMaterial);
    const outer = { local: Uint8Array.of(192, 0, 2, 1), remote: Uint8Array.of(192, 0, 2, 2) };
    const association: Omit<SecurityAssociationParameters & { protocol: 'esp' }, 'direction'> = {
      tunnelId: 'a-b',
      spi: 0x1000,
      protocol: 'esp',
      mode,
      suite: 'aes-gcm-16',
      keyBits: 128,
      keyingMaterial,
      extendedSequenceNumbers: true,
      replayWindow: 1024,
      softLifetimeMilliseconds: 3_600_000,
      hardLifetimeMilliseconds: 28_800_000,
      ...(mode === 'tunnel' ? { outer } : {}),
    };
    sender.install({ ...association, direction: 'outbound' }, 0);
    receiver.install({ ...association, direction: 'inbound' }, 0);

    const wire = new Uint8Array(2048);
    const sent = sender.protect(packet, 0, packet.length, wire, 0, 1);
    lines.push(`${mode}: ${sent.verdict}, ${packet.length} octets become ${sent.length}`);
    const clear = new Uint8Array(2048);
    const opened = receiver.openIp(wire, 0, sent.length, clear, 0, 2);
    const same = toHex(clear.subarray(0, opened.length)) === toHex(packet);
    lines.push(`${mode}: ${opened.verdict}, ${same ? 'unchanged' : 'changed'}`);
  }
  return lines;
}

function engine(random: (out: Uint8Array) => void, local: string, remote: string): DataPlane {
  const plane = createDataPlane({ provider: nobleProvider, random });
  const selector = {
    localAddresses: [parsePrefix(local).range],
    remoteAddresses: [parsePrefix(remote).range],
    protocol: 'any' as const,
    localPorts: [],
    remotePorts: [],
  };
  plane.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: '1', ruleId: '1', selectors: [selector], action: 'PROTECT', tunnelId: 'a-b' },
    ]),
  );
  return plane;
}
