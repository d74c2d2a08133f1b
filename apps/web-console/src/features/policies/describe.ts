import type {
  AddressPool,
  ExternalPeer,
  Group,
  NamedService,
  Network,
  Selector,
  Service,
  Site,
} from '../../api/index.js';
import { formatPorts } from '../../lib/ports.js';

/** What the identifiers inside rules stand for. */
export interface Names {
  readonly sites: readonly Site[];
  readonly networks: readonly Network[];
  readonly addressPools: readonly AddressPool[];
  readonly externalPeers: readonly ExternalPeer[];
  readonly groups: readonly Group[];
  readonly services: readonly NamedService[];
}

/** One selector as a person says it: `any`, `Amsterdam`, `10.1.0.0/16`. A name that is gone says so. */
export function describeSelector(selector: Selector, names: Names): string {
  const { sites, networks, addressPools, externalPeers, groups } = names;
  switch (selector.kind) {
    case 'any':
      return 'any';
    case 'site':
      return sites.find(({ id }) => id === selector.siteId)?.name ?? 'deleted site';
    case 'network': {
      const network = networks.find(({ id }) => id === selector.networkId);
      return network === undefined ? 'deleted network' : `${network.name} ${network.mappedPrefix ?? network.prefix}`;
    }
    case 'prefix':
      return selector.prefix;
    case 'address_pool': {
      const pool = addressPools.find(({ id }) => id === selector.addressPoolId);
      return pool === undefined ? 'deleted address pool' : `${pool.name} ${pool.prefix}`;
    }
    case 'external_peer':
      return externalPeers.find(({ id }) => id === selector.externalPeerId)?.name ?? 'deleted external peer';
    case 'group':
      return groups.find(({ id }) => id === selector.groupId)?.name ?? 'deleted group';
  }
}

/** One service as a person says it: `any`, `TCP 80, 443`, `UDP all ports`. */
export function describeService({ protocol, ports }: Service): string {
  if (protocol === 'any') return 'any';
  const name = { tcp: 'TCP', udp: 'UDP', icmp: 'ICMP', icmpv6: 'ICMPv6' }[protocol];
  if (!hasPorts(protocol)) return name;
  return ports.length === 0 ? `${name} all ports` : `${name} ${formatPorts(ports)}`;
}

/** True for protocols with ports. */
export function hasPorts(protocol: Service['protocol']): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

/** An identifier of a selector within a list: equal selectors have equal keys. */
export function selectorKey(selector: Selector): string {
  switch (selector.kind) {
    case 'any':
      return 'any';
    case 'site':
      return `site ${selector.siteId}`;
    case 'network':
      return `network ${selector.networkId}`;
    case 'prefix':
      return `prefix ${selector.prefix}`;
    case 'address_pool':
      return `address pool ${selector.addressPoolId}`;
    case 'external_peer':
      return `external peer ${selector.externalPeerId}`;
    case 'group':
      return `group ${selector.groupId}`;
  }
}
