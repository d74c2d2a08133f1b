import type { ExternalPeer, Group, Network, Policy, Site } from '../../api/index.js';
import { labelsText } from '../../lib/labels.js';

export type GroupMember = Group['members'][number];

/** What the identifiers of members stand for. */
export interface MemberNames {
  readonly sites: readonly Site[];
  readonly networks: readonly Network[];
  readonly externalPeers: readonly ExternalPeer[];
}

/** One member as a person says it: `Amsterdam`, `10.1.0.0/16`, `sites with role=branch`. */
export function describeMember(member: GroupMember, { sites, networks, externalPeers }: MemberNames): string {
  switch (member.kind) {
    case 'site':
      return sites.find(({ id }) => id === member.siteId)?.name ?? 'deleted site';
    case 'network': {
      const network = networks.find(({ id }) => id === member.networkId);
      return network === undefined ? 'deleted network' : `${network.name} ${network.mappedPrefix ?? network.prefix}`;
    }
    case 'prefix':
      return member.prefix;
    case 'external_peer':
      return externalPeers.find(({ id }) => id === member.externalPeerId)?.name ?? 'deleted external peer';
    case 'site_labels':
      return `sites with ${labelsText(member.labels)}`;
    case 'network_labels':
      return `networks with ${labelsText(member.labels)}`;
  }
}

/** How many sites or networks carry the labels now; undefined: the member names one thing, whatever labels say. */
export function carriersOf(member: GroupMember, { sites, networks }: MemberNames): number | undefined {
  if (member.kind === 'site_labels') return sites.filter(({ labels }) => carries(labels, member.labels)).length;
  if (member.kind === 'network_labels') return networks.filter(({ labels }) => carries(labels, member.labels)).length;
  return undefined;
}

/** Rules of the draft that name the group, as `policy: rule`. */
export function rulesNaming(groupId: string, policies: readonly Policy[]): readonly string[] {
  return policies.flatMap((policy) =>
    policy.rules
      .filter(({ sources, destinations }) =>
        [...sources, ...destinations].some((end) => end.kind === 'group' && end.groupId === groupId),
      )
      .map(({ name }) => `${policy.name}: ${name}`),
  );
}

function carries(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
