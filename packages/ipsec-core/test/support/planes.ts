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
