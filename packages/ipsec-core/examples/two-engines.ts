import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  type EspAssociationParameters,
  nobleProvider,
  parseAddress,
  parsePrefix,
  toHex,
} from '@weft/ipsec-core';

/** Fills an array from a cryptographically secure source: `crypto.getRandomValues` in a browser. */
export type Random = (out: Uint8Array) => void;

/** Two engines exchange one packet in tunnel mode and one in transport mode. Returns what there is to say about it. */
export function twoEngines(random: Random, packet: Uint8Array): readonly string[] {
  return [...exchange('tunnel', random, packet), ...exchange('transport', random, packet)];
}

// #region exchange
function exchange(mode: 'tunnel' | 'transport', random: Random, packet: Uint8Array): readonly string[] {
  const sender = createEngine(random, '10.1.0.0/16', '10.2.0.0/16');
  const receiver = createEngine(random, '10.2.0.0/16', '10.1.0.0/16');
  const association = createAssociation(mode, random);
  sender.install({ ...association, direction: 'outbound' }, 0);
  receiver.install({ ...association, direction: 'inbound' }, 0);

  const wire = new Uint8Array(2048);
  const sent = sender.protect(packet, 0, packet.length, wire, 0, 1);
  const summary = `${mode}: ${sent.verdict}, ${packet.length} octets become ${sent.length}`;

  const clear = new Uint8Array(2048);
  const opened = receiver.openIp(wire, 0, sent.length, clear, 0, 2);
  const same = toHex(clear.subarray(0, opened.length)) === toHex(packet);
  return [summary, `${mode}: ${opened.verdict}, ${same ? 'unchanged' : 'changed'}`];
}
// #endregion

// #region engine
export function createEngine(random: Random, local: string, remote: string): DataPlane {
  const plane = createDataPlane({ provider: nobleProvider, random });
  const selector = {
    localAddresses: [parsePrefix(local).range],
    remoteAddresses: [parsePrefix(remote).range],
    protocol: 'any',
    localPorts: [],
    remotePorts: [],
  } as const;
  plane.installPolicy(
    createSecurityPolicyDatabase([
      { entryId: 'e1', ruleId: 'branch', selectors: [selector], action: 'PROTECT', tunnelId: 'a-b' },
    ]),
  );
  return plane;
}
// #endregion

// #region association
export function createAssociation(mode: 'tunnel' | 'transport', random: Random) {
  const keyingMaterial = new Uint8Array(20);
  random(keyingMaterial);
  const outer = { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
  return {
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
  } as const satisfies Omit<EspAssociationParameters, 'direction'>;
}
// #endregion
