import type { Configuration } from './configuration.dto.js';
import { canonicalExternalPeer } from './configured-external-peer.js';

/** What Postgres may write in another way than the document does. */
export function writtenPlaces({
  networks = [],
  edges = [],
  addressPools = [],
  externalPeers = [],
  groups = [],
  policies = [],
}: Configuration): {
  readonly prefixes: readonly string[];
  readonly addresses: readonly string[];
} {
  const rules = policies.flatMap((policy) => policy.rules);
  const selectors = rules.flatMap(({ sources, destinations }) => [...sources, ...destinations]);
  const members = groups.flatMap((group) => group.members);
  const prefixes = [...networks, ...addressPools, ...selectors, ...members].flatMap((item) =>
    'prefix' in item ? [item.prefix] : [],
  );
  const mapped = networks.flatMap(({ mappedPrefix }) => (mappedPrefix === undefined ? [] : [mappedPrefix]));
  const behindPeers = externalPeers.flatMap((peer) => peer.prefixes ?? []);
  const ofEdges = edges.flatMap(({ underlayAddress, otherUnderlayAddresses }) => [
    underlayAddress,
    ...otherUnderlayAddresses,
  ]);
  const ofPeers = externalPeers.flatMap(({ address, assigned = [] }) => [
    ...(address === undefined ? [] : [address]),
    ...assigned.map((one) => one.address),
  ]);
  const addresses = [...ofEdges, ...addressPools.flatMap((pool) => pool.nameServers), ...ofPeers];
  return { prefixes: [...new Set([...prefixes, ...mapped, ...behindPeers])], addresses: [...new Set(addresses)] };
}

/** As it will be read from the tables. Policy tests are kept as they are written. `text`: how Postgres writes what it may write otherwise. */
export function canonicalDocument(document: Configuration, text: (given: string) => string): Configuration {
  const { networks, edges, addressPools, externalPeers, groups, policies } = document;
  const side = <Item extends object>(items: readonly Item[]) =>
    items.map((item) => ('prefix' in item ? { ...item, prefix: text(String(item.prefix)) } : item));
  return {
    ...document,
    ...(networks && {
      networks: side(networks).map(({ mappedPrefix, ...network }) => ({
        ...network,
        ...(mappedPrefix === undefined ? {} : { mappedPrefix: text(mappedPrefix) }),
      })),
    }),
    ...(edges && {
      edges: edges.map((edge) => ({
        ...edge,
        underlayAddress: text(edge.underlayAddress),
        otherUnderlayAddresses: edge.otherUnderlayAddresses.map(text),
      })),
    }),
    ...(addressPools && {
      addressPools: side(addressPools).map((pool) => ({ ...pool, nameServers: pool.nameServers.map(text) })),
    }),
    ...(externalPeers && { externalPeers: externalPeers.map((peer) => canonicalExternalPeer(peer, text)) }),
    ...(groups && { groups: groups.map((group) => ({ ...group, members: side(group.members) })) }),
    ...(policies && {
      policies: policies.map((policy) => ({
        ...policy,
        rules: policy.rules.map((rule) => ({
          ...rule,
          sources: side(rule.sources),
          destinations: side(rule.destinations),
        })),
      })),
    }),
  };
}
