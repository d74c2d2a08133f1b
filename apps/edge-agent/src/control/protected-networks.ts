import type { ProtectedNetworks as ProtectedNetworksMessage } from '@weft/contracts/southbound';
import { protectedRanges } from '../network/protected-ranges.js';
import { limited, overlayPrefix } from './bundle/field.js';
import { directPrefixes } from './direct-prefixes.js';
import type { SystemState } from './reconciler.js';

/** What is kept in before there is a bundle. Prefixes in canonical text. */
export interface ProtectedNetworks {
  /** Networks of other sites: what goes to them and comes from them is to be protected. */
  readonly routes: readonly string[];
  /** Networks of the edge's own site. Within one of the others they stay reachable. */
  readonly localNetworks: readonly string[];
}

/** Networks that are not known. */
export const NO_NETWORKS: ProtectedNetworks = { routes: [], localNetworks: [] };

/** What a controller says of them. Throws RejectionError. */
export function parseProtectedNetworks(message: ProtectedNetworksMessage): ProtectedNetworks {
  const prefixes = (path: string, texts: readonly string[]) =>
    limited(path, texts, MAXIMUM_PREFIXES).map((text, index) => overlayPrefix(`${path}[${index}]`, text).text);
  return {
    routes: prefixes('protected_networks.routes', message.routes),
    localNetworks: prefixes('protected_networks.local_networks', message.localNetworks),
  };
}

/** What is in one of these lists or in several. */
export function unionOfNetworks(lists: readonly ProtectedNetworks[]): ProtectedNetworks {
  return {
    routes: [...new Set(lists.flatMap(({ routes }) => routes))],
    localNetworks: [...new Set(lists.flatMap(({ localNetworks }) => localNetworks))],
  };
}

/**
 * The machine as it is, with these networks closed: unreachable, and fenced. With none it stays as it is, which may be as an
 * earlier bundle has left it; what is closed already is not opened. The networks that the machine is on stay reachable, also
 * where one of them is named: before there are tunnels nobody could come to it by another way.
 */
export function closedState(
  networks: ProtectedNetworks,
  actual: SystemState & { readonly connected: ReadonlySet<string> },
): SystemState {
  if (networks.routes.length === 0) return actual;
  const closed = new Set([...networks.routes, ...actual.unreachableRoutes]);
  const routes = [...closed].map((text) => overlayPrefix('routes', text));
  const local = networks.localNetworks.map((text) => overlayPrefix('local_networks', text));
  const named = [...actual.connected].filter((text) => closed.has(text));
  const direct = new Set([...directPrefixes(routes, local, actual.connected), ...named]);
  return {
    ...actual,
    unreachableRoutes: closed,
    directRoutes: direct,
    steersIpv4: routes.some(({ family }) => family === 4),
    steersIpv6: routes.some(({ family }) => family === 6),
    fence: protectedRanges(closed, direct),
  };
}

/** As many as a tenant may have networks, and more. */
const MAXIMUM_PREFIXES = 65_536;
