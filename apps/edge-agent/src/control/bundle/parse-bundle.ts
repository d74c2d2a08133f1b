import {
  type Bundle,
  type PreSharedKey,
  SecurityPolicyAction,
  type SecurityPolicy as SecurityPolicyMessage,
} from '@weft/contracts/southbound';
import type { SecurityPolicy } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { checkTransportEntry } from './check-transport.js';
import { boundedText, integerWithin, limited, overlayPrefix, required, underlayAddress, unique } from './field.js';
import { type AddressSets, parseAddressSets } from './parse-address-sets.js';
import { PreSharedKeys } from './parse-external-peer.js';
import { parseNetworkMappings } from './parse-network-mappings.js';
import { parseSelector } from './parse-selector.js';
import { parseTunnels } from './parse-tunnel.js';
import { parseTunnelGroups } from './parse-tunnel-groups.js';
import { parseUplinks } from './parse-uplinks.js';
import type {
  OverlayPrefix,
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
  const routes = parsePrefixes('routes', bundle.routes);
  const localNetworks = parsePrefixes('local_networks', bundle.localNetworks);
  return {
    overlayMtu: integerWithin('device.mtu', required('device', bundle.device).mtu, MIN_MTU, MAX_MTU),
    underlay,
    ...parseUplinks(bundle, underlay),
    tunnels,
    groups: [...groups.values()],
    policies: parsePolicies(bundle.securityPolicies, {
      tunnels,
      groups,
      underlay,
      sets: parseAddressSets(bundle.addressSets),
    }),
    routes,
    localNetworks,
    mappings: parseNetworkMappings(bundle.networkMappings, localNetworks, routes),
  };
}

/** What entries are held against. */
interface Known {
  readonly tunnels: ReadonlyMap<string, TunnelConfiguration>;
  readonly groups: ReadonlyMap<string, TunnelGroup>;
  readonly underlay: UnderlayAddress;
  readonly sets: AddressSets;
}

function parsePolicies(
  messages: readonly SecurityPolicyMessage[],
  { tunnels, groups, underlay, sets }: Known,
): readonly SecurityPolicy[] {
  const ids = new Set<string>();
  return limited('security_policies', messages, MAX_POLICIES).map((message, index): SecurityPolicy => {
    const path = `security_policies[${index}]`;
    const common = {
      entryId: unique(`${path}.entry_id`, boundedText(`${path}.entry_id`, message.entryId, MAX_TEXT), ids),
      ruleId: boundedText(`${path}.rule_id`, message.ruleId, MAX_TEXT),
      selectors: [parseSelector(`${path}.selector`, message.selector, sets)],
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
      checkTransportEntry(`${path}.selector`, common, tunnels.get(message.tunnelId), underlay);
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
const MAX_POLICIES = 100_000;
const MAX_ROUTES = 65_536;
const MAX_TEXT = 255;
