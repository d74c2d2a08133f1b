import {
  type Bundle,
  Encapsulation,
  EncryptionAlgorithm,
  type PreSharedKey,
  type Profile,
  SecurityPolicyAction,
  type SecurityPolicy as SecurityPolicyMessage,
  type Tunnel,
} from '@weft/contracts/southbound';
import type { SecurityPolicy } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import {
  boundedText,
  integerWithin,
  limited,
  overlayPrefix,
  required,
  underlayAddress,
  unique,
  uuid,
} from './field.js';
import { PreSharedKeys, parseExternalPeer } from './parse-external-peer.js';
import { parseKeying } from './parse-keying.js';
import { parseSelector } from './parse-selector.js';
import { parseTunnelGroups } from './parse-tunnel-groups.js';
import type {
  EspEncapsulation,
  OverlayPrefix,
  ProtectionProfile,
  TunnelConfiguration,
  TunnelGroup,
  UnderlayAddress,
  VerifiedBundle,
} from './verified-bundle.js';

/** What `parseBundle` finds in the content; the rest of a VerifiedBundle is in the manifest. */
export type BundleContent = Omit<
  VerifiedBundle,
  'epoch' | 'generation' | 'revision' | 'contentHash' | 'agreedRemovalFrom'
>;

/**
 * Checks every field of a bundle. Throws RejectionError at the first that is wrong.
 * @param preSharedKeys came with it, and open the commitments of the content
 */
export function parseBundle(bundle: Bundle, preSharedKeys: readonly PreSharedKey[] = []): BundleContent {
  const keys = new PreSharedKeys(preSharedKeys);
  const underlay = underlayAddress('underlay', bundle.underlay, 'any');
  const tunnels = parseTunnels(bundle.tunnels, underlay, keys);
  keys.expectAllTaken();
  const groups = parseTunnelGroups(bundle.tunnelGroups, tunnels);
  return {
    overlayMtu: integerWithin('device.mtu', required('device', bundle.device).mtu, MIN_MTU, MAX_MTU),
    underlay,
    tunnels,
    groups: [...groups.values()],
    policies: parsePolicies(bundle.securityPolicies, tunnels, groups),
    routes: parsePrefixes('routes', bundle.routes),
    localNetworks: parsePrefixes('local_networks', bundle.localNetworks),
  };
}

/** Checks a profile, of a tunnel or of a security association. */
export function parseProfile(path: string, message: Profile | undefined): ProtectionProfile {
  const profile = required(path, message);
  if (profile.encryption !== EncryptionAlgorithm.ENCRYPTION_ALGORITHM_AES_GCM_16) {
    throw new RejectionError(
      `${path}.encryption`,
      'unsupported_value',
      `algorithm ${profile.encryption} is unknown here`,
    );
  }
  const { keyBits } = profile;
  if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) {
    throw new RejectionError(
      `${path}.key_bits`,
      'unsupported_value',
      `AES has keys of 128, 192 or 256 bits, not ${keyBits}`,
    );
  }
  return {
    suite: 'aes-gcm-16',
    keyBits,
    replayWindow: integerWithin(`${path}.replay_window`, profile.replayWindow, MIN_REPLAY_WINDOW, MAX_REPLAY_WINDOW),
    extendedSequenceNumbers: profile.extendedSequenceNumbers,
    encapsulation: parseEncapsulation(`${path}.encapsulation`, profile.encapsulation),
  };
}

function parseEncapsulation(path: string, value: Encapsulation | undefined): EspEncapsulation {
  if (value === undefined) return 'udp';
  if (value === Encapsulation.ENCAPSULATION_NONE) return 'none';
  throw new RejectionError(path, 'unsupported_value', `encapsulation ${value} is unknown here`);
}

function parseTunnels(
  messages: readonly Tunnel[],
  underlay: UnderlayAddress,
  keys: PreSharedKeys,
): ReadonlyMap<string, TunnelConfiguration> {
  const ids = new Set<string>();
  const peers = new Set<string>();
  const tunnels = limited('tunnels', messages, MAX_TUNNELS).map((tunnel, index): TunnelConfiguration => {
    const path = `tunnels[${index}]`;
    const parsed: TunnelConfiguration = {
      tunnelId: unique(`${path}.tunnel_id`, uuid(`${path}.tunnel_id`, tunnel.tunnelId), ids),
      peerEdgeId: unique(`${path}.peer_edge_id`, uuid(`${path}.peer_edge_id`, tunnel.peerEdgeId), peers),
      peerName: boundedText(`${path}.peer_name`, tunnel.peerName, MAX_TEXT),
      remote: underlayAddress(`${path}.remote`, tunnel.remote, 'specified'),
      profile: parseProfile(`${path}.profile`, tunnel.profile),
      keying: parseKeying(path, tunnel),
      external: tunnel.externalPeer && parseExternalPeer(`${path}.external_peer`, tunnel.externalPeer, keys),
    };
    if (parsed.external !== undefined && parsed.keying.mode !== 'ikev2') {
      throw new RejectionError(`${path}.external_peer`, 'unexpected_value', 'only with IKEv2 can a peer be no edge');
    }
    checkOuterHeader(`${path}.profile.encapsulation`, parsed, underlay);
    return parsed;
  });
  return new Map(tunnels.map((tunnel) => [tunnel.tunnelId, tunnel]));
}

/** Without UDP and without IKE, which knows its own address, the outer header is as the bundle says. */
function checkOuterHeader(
  path: string,
  { profile, keying, remote }: TunnelConfiguration,
  local: UnderlayAddress,
): void {
  if (profile.encapsulation !== 'none' || keying.mode !== 'ike-less') return;
  if (local.octets.length === remote.octets.length && local.octets.some((octet) => octet !== 0)) return;
  throw new RejectionError(
    path,
    'bad_address',
    `ESP directly on IP needs an underlay address of this edge that ${remote.text} can be reached from, not ${local.text}`,
  );
}

function parsePolicies(
  messages: readonly SecurityPolicyMessage[],
  tunnels: ReadonlyMap<string, TunnelConfiguration>,
  groups: ReadonlyMap<string, TunnelGroup>,
): readonly SecurityPolicy[] {
  const ids = new Set<string>();
  return limited('security_policies', messages, MAX_POLICIES).map((message, index): SecurityPolicy => {
    const path = `security_policies[${index}]`;
    const common = {
      entryId: unique(`${path}.entry_id`, boundedText(`${path}.entry_id`, message.entryId, MAX_TEXT), ids),
      ruleId: boundedText(`${path}.rule_id`, message.ruleId, MAX_TEXT),
      selectors: [parseSelector(`${path}.selector`, message.selector)],
    };
    if (message.action === SecurityPolicyAction.SECURITY_POLICY_ACTION_PROTECT) {
      const alternatives = groups.get(message.tunnelId)?.tunnelIds;
      const [preferred] = alternatives ?? [];
      if (alternatives !== undefined && preferred !== undefined)
        return { ...common, action: 'PROTECT', tunnelId: preferred, alternatives };
      if (!tunnels.has(message.tunnelId)) {
        throw new RejectionError(
          `${path}.tunnel_id`,
          'unknown_tunnel',
          'it names no tunnel of this bundle, and no group of them',
        );
      }
      return { ...common, action: 'PROTECT', tunnelId: message.tunnelId };
    }
    if (message.tunnelId !== '') {
      throw new RejectionError(`${path}.tunnel_id`, 'unexpected_value', 'only PROTECT has a tunnel');
    }
    switch (message.action) {
      case SecurityPolicyAction.SECURITY_POLICY_ACTION_DISCARD:
        return { ...common, action: 'DISCARD' };
      case SecurityPolicyAction.SECURITY_POLICY_ACTION_BYPASS:
        return { ...common, action: 'BYPASS' };
      default:
        throw new RejectionError(`${path}.action`, 'unsupported_value', `action ${message.action} is unknown here`);
    }
  });
}

function parsePrefixes(path: string, texts: readonly string[]): readonly OverlayPrefix[] {
  const seen = new Set<string>();
  return limited(path, texts, MAX_ROUTES).map((text, index) => {
    const prefix = overlayPrefix(`${path}[${index}]`, text);
    unique(`${path}[${index}]`, prefix.text, seen);
    return prefix;
  });
}

/** RFC 8200 section 5: every link that carries IPv6 has an MTU of at least 1280 octets. */
const MIN_MTU = 1280;
const MAX_MTU = 65_535;
const MAX_TUNNELS = 4096;
const MAX_POLICIES = 100_000;
const MAX_ROUTES = 65_536;
const MAX_TEXT = 255;
const MIN_REPLAY_WINDOW = 64;
const MAX_REPLAY_WINDOW = 4096;
