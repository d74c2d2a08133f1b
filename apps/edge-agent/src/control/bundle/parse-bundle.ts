import type { Bundle, PreSharedKey } from '@weft/contracts/southbound';
import { integerWithin, limited, overlayPrefix, required, underlayAddress, unique } from './field.js';
import { parseAddressSets } from './parse-address-sets.js';
import { parseCarriers } from './parse-carriers.js';
import { PreSharedKeys } from './parse-external-peer.js';
import { parseNetworkMappings } from './parse-network-mappings.js';
import { parsePolicies } from './parse-policies.js';
import { parseTunnels } from './parse-tunnel.js';
import { parseTunnelGroups } from './parse-tunnel-groups.js';
import { parseUplinks } from './parse-uplinks.js';
import type { OverlayPrefix, VerifiedBundle } from './verified-bundle.js';

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
  const sets = parseAddressSets(bundle.addressSets);
  const carriers = parseCarriers(bundle, { tunnels, groups, sets });
  const routes = parsePrefixes('routes', bundle.routes);
  const localNetworks = parsePrefixes('local_networks', bundle.localNetworks);
  return {
    overlayMtu: integerWithin('device.mtu', required('device', bundle.device).mtu, MIN_MTU, MAX_MTU),
    underlay,
    ...parseUplinks(bundle, underlay),
    tunnels,
    groups: [...groups.values()],
    carriers,
    policies: parsePolicies(bundle.securityPolicies, { tunnels, groups, carriers, underlay, sets }),
    routes,
    localNetworks,
    mappings: parseNetworkMappings(bundle.networkMappings, localNetworks, routes),
  };
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
const MAX_ROUTES = 65_536;
