import type { Service, WeftClient } from '@weft/contracts/rest';
import { type ItemOf, type ListPath, readAll } from '../api/pages.js';

/** Something that a tenant has a list of: where the list is, and what a person sees of each item. */
export interface Resource {
  readonly headings: readonly string[];
  read(client: WeftClient, tenantId: string): Promise<readonly ReadItem[]>;
}

/** An item as the controller wrote it, and as a row. */
export interface ReadItem {
  readonly item: object;
  readonly id: string;
  /** Undefined: it has none. */
  readonly name: string | undefined;
  readonly cells: readonly string[];
}

type Cell = string | number | boolean | null | undefined;

function resource<Path extends ListPath>(
  path: Path,
  idOf: (item: ItemOf<Path>) => string,
  columns: Readonly<Record<string, (item: ItemOf<Path>) => Cell>>,
): Resource {
  const headings = ['id', ...Object.keys(columns)];
  return {
    headings,
    read: async (client, tenantId) =>
      (await readAll(client, tenantId, path)).map((item) => {
        const cells = Object.values(columns).map((column) => asCell(column(item)));
        const name = headings[1] === 'name' ? cells[0] : undefined;
        return { item: item as object, id: idOf(item), name, cells: [idOf(item), ...cells] };
      }),
  };
}

function asCell(value: Cell): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === null || value === undefined ? '-' : String(value);
}

const labels = (value: Readonly<Record<string, string>>): string =>
  Object.entries(value)
    .map(([name, text]) => `${name}=${text}`)
    .join(',');

/** As `tcp 80-443`; without ports it is of all of them. */
function serviceText({ protocol, ports }: Service): string {
  const ranges = ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return [protocol, ...(ranges.length === 0 ? [] : [ranges.join(',')])].join(' ');
}

/** What `weft get` knows, by the word for it. Revisions are known by their number. */
export const RESOURCES: Readonly<Record<string, Resource>> = {
  sites: resource('/api/v1/tenants/{tenantId}/sites', ({ id }) => id, {
    name: (site) => site.name,
    labels: (site) => labels(site.labels),
    description: (site) => site.description,
  }),
  networks: resource('/api/v1/tenants/{tenantId}/networks', ({ id }) => id, {
    name: (network) => network.name,
    prefix: (network) => network.prefix,
    'mapped to': (network) => network.mappedPrefix,
    site: (network) => network.siteId,
    labels: (network) => labels(network.labels),
  }),
  edges: resource('/api/v1/tenants/{tenantId}/edges', ({ id }) => id, {
    name: (edge) => edge.name,
    underlay: (edge) => `${[edge.underlayAddress, ...edge.otherUnderlayAddresses].join(',')} ${edge.underlayPort}`,
    connected: (edge) => edge.live.connected,
    'in sync': (edge) => edge.live.inSync,
    version: (edge) => edge.live.agentVersion,
    site: (edge) => edge.siteId,
  }),
  'address-pools': resource('/api/v1/tenants/{tenantId}/address-pools', ({ id }) => id, {
    name: (pool) => pool.name,
    prefix: (pool) => pool.prefix,
    'name servers': (pool) => pool.nameServers.join(','),
    domains: (pool) => pool.domains.join(','),
    site: (pool) => pool.siteId,
  }),
  'external-peers': resource('/api/v1/tenants/{tenantId}/external-peers', ({ id }) => id, {
    name: (peer) => peer.name,
    // A remote host has neither: it comes from anywhere.
    address: ({ address, port }) => (address === undefined ? undefined : `${address} ${port}`),
    prefixes: ({ prefixes }) => prefixes?.join(','),
    assigned: ({ assigned }) => assigned?.map(({ address }) => address).join(','),
    site: (peer) => peer.siteId,
  }),
  groups: resource('/api/v1/tenants/{tenantId}/groups', ({ id }) => id, {
    name: (group) => group.name,
    members: (group) => group.members.length,
    description: (group) => group.description,
  }),
  services: resource('/api/v1/tenants/{tenantId}/services', ({ id }) => id, {
    name: (service) => service.name,
    of: ({ services }) => services.map(serviceText).join(', '),
    description: (service) => service.description,
  }),
  profiles: resource('/api/v1/tenants/{tenantId}/profiles', ({ id }) => id, {
    name: (profile) => profile.name,
    esp: ({ esp }) => `${esp.encryption} ${esp.keyBits}`,
    ike: ({ ike }) => `${ike.encryption} ${ike.keyBits} ${ike.keyExchange.join('+')}`,
    description: (profile) => profile.description,
  }),
  policies: resource('/api/v1/tenants/{tenantId}/policies', ({ id }) => id, {
    name: (policy) => policy.name,
    position: (policy) => policy.position,
    enabled: (policy) => policy.enabled,
    rules: (policy) => policy.rules.length,
  }),
  'policy-tests': resource('/api/v1/tenants/{tenantId}/policy-tests', ({ id }) => id, {
    name: (test) => test.name,
    expect: (test) => test.expect,
    description: (test) => test.description,
  }),
  revisions: resource('/api/v1/tenants/{tenantId}/revisions', ({ number }) => String(number), {
    published: (revision) => revision.publishedAt,
    by: (revision) => revision.author,
    'approved by': (revision) => revision.approvedBy,
    'restored from': (revision) => revision.restoredFrom,
    comment: (revision) => revision.comment,
  }),
  tunnels: resource('/api/v1/tenants/{tenantId}/tunnels', ({ id }) => id, {
    ends: ({ edges, externalPeer }) =>
      [...edges.map(({ edgeName }) => edgeName), ...(externalPeer === null ? [] : [externalPeer.name])].join(' - '),
    state: (tunnel) => tunnel.state,
    reason: (tunnel) => tunnel.reason,
    keying: (tunnel) => tunnel.keyingMode,
    rekeys: (tunnel) => tunnel.rekeys,
  }),
  tenants: resource('/api/v1/tenants', ({ id }) => id, {
    name: (tenant) => tenant.name,
    keying: (tenant) => tenant.keyingMode,
    'approval required': (tenant) => tenant.approvalRequired,
  }),
  webhooks: resource('/api/v1/tenants/{tenantId}/webhooks', ({ id }) => id, {
    name: (webhook) => webhook.name,
    url: (webhook) => webhook.url,
    enabled: (webhook) => webhook.enabled,
    pending: (webhook) => webhook.pending,
  }),
  members: resource('/api/v1/tenants/{tenantId}/members', ({ userId }) => userId, {
    name: (member) => member.userName,
    role: (member) => member.role,
    joined: (member) => member.joinedAt,
  }),
  users: resource('/api/v1/tenants/{tenantId}/users', ({ id }) => id, {
    name: (user) => user.name,
    role: (user) => user.role,
    totp: (user) => user.totp,
  }),
  invitations: resource('/api/v1/tenants/{tenantId}/invitations', ({ id }) => id, {
    name: (invitation) => invitation.userName,
    role: (invitation) => invitation.role,
    'invited by': (invitation) => invitation.invitedBy,
    expires: (invitation) => invitation.expiresAt,
  }),
  'api-tokens': resource('/api/v1/tenants/{tenantId}/api-tokens', ({ id }) => id, {
    name: (token) => token.name,
    user: (token) => token.userName,
    role: (token) => token.role,
    expires: (token) => token.expiresAt,
    'last used': (token) => token.lastUsedAt,
  }),
};
