import type { RuleInput, Tenant } from '@weft/contracts/rest';
import type { SiteTopology, Topology } from '../topology/topology.js';
import { answerOf, type ControllerApi } from './controller-api.js';

/** What the controller made of the topology: identifiers to work with afterwards. */
export interface Fabric {
  readonly policyId: string;
  readonly siteIds: ReadonlyMap<string, string>;
  readonly edgeIds: ReadonlyMap<string, string>;
  /** One-time enrollment tokens by site name. */
  readonly tokens: ReadonlyMap<string, string>;
}

/** Who makes the traffic keys: the edges between themselves, or the controller (RFC 9061). */
export type KeyingMode = Tenant['keyingMode'];

/**
 * Every site with its networks and edge, one policy that protects every pair of sites, published; and the tokens. Without
 * a keying mode the tenant has the one of a new tenant.
 */
export async function createFabric(api: ControllerApi, topology: Topology, keying?: KeyingMode): Promise<Fabric> {
  if (keying !== undefined) await chooseKeying(api, keying);
  const siteIds = new Map<string, string>();
  const edgeIds = new Map<string, string>();
  for (const site of topology.sites) {
    const siteId = await createSite(api, site);
    siteIds.set(site.name, siteId);
    edgeIds.set(site.name, await createEdge(api, site, siteId));
  }
  const policyId = await createPolicy(api, rulesBetween(topology, siteIds));
  await publish(api, 'The lab');
  const tokens = new Map<string, string>();
  for (const [site, edgeId] of edgeIds) tokens.set(site, await createToken(api, edgeId));
  return { policyId, siteIds, edgeIds, tokens };
}

/** Publishes the intent as it stands. */
export async function publish(api: ControllerApi, comment: string): Promise<void> {
  answerOf(
    await api.client.POST('/api/v1/tenants/{tenantId}/revisions', { ...inTenant(api), body: { comment } }),
    'Publish',
  );
}

/** The name of the rule between two sites, whichever way round they are given. */
export function ruleName(first: string, second: string): string {
  return [first, second].sort().join('-');
}

function rulesBetween(topology: Topology, siteIds: ReadonlyMap<string, string>): readonly RuleInput[] {
  const names = topology.sites.map((site) => site.name);
  return names.flatMap((first, index) =>
    names.slice(index + 1).map((second) => ({
      name: ruleName(first, second),
      action: 'PROTECT' as const,
      sources: [{ kind: 'site' as const, siteId: siteIds.get(first) ?? '' }],
      destinations: [{ kind: 'site' as const, siteId: siteIds.get(second) ?? '' }],
      services: [{ protocol: 'any' as const, ports: [] }],
    })),
  );
}

async function chooseKeying(api: ControllerApi, keyingMode: KeyingMode): Promise<void> {
  const { version } = answerOf(await api.client.GET('/api/v1/tenants/{tenantId}', inTenant(api)), 'Read the tenant');
  const { path } = inTenant(api).params;
  const params = { path, header: { 'If-Match': `"${version}"` } };
  const answer = await api.client.PATCH('/api/v1/tenants/{tenantId}', { params, body: { keyingMode } });
  answerOf(answer, `Choose keying mode ${keyingMode}`);
}

async function createSite(api: ControllerApi, site: SiteTopology): Promise<string> {
  const { id: siteId } = answerOf(
    await api.client.POST('/api/v1/tenants/{tenantId}/sites', { ...inTenant(api), body: { name: site.name } }),
    `Create site ${site.name}`,
  );
  for (const { name, prefix } of site.networks) {
    answerOf(
      await api.client.POST('/api/v1/tenants/{tenantId}/networks', {
        ...inTenant(api),
        body: { siteId, name, prefix },
      }),
      `Create network ${prefix}`,
    );
  }
  return siteId;
}

async function createEdge(api: ControllerApi, site: SiteTopology, siteId: string): Promise<string> {
  const body = { siteId, name: `${site.name}-edge`, underlayAddress: site.uplink.address, underlayPort: 4500 };
  const answer = await api.client.POST('/api/v1/tenants/{tenantId}/edges', { ...inTenant(api), body });
  return answerOf(answer, `Create edge ${body.name}`).id;
}

async function createPolicy(api: ControllerApi, rules: readonly RuleInput[]): Promise<string> {
  const body = { name: 'sites', description: 'Every pair of sites, protected', enabled: true, rules: [...rules] };
  const answer = await api.client.POST('/api/v1/tenants/{tenantId}/policies', { ...inTenant(api), body });
  return answerOf(answer, 'Create policy sites').id;
}

async function createToken(api: ControllerApi, edgeId: string): Promise<string> {
  const answer = await api.client.POST('/api/v1/tenants/{tenantId}/edges/{edgeId}/enrollment-tokens', {
    params: { path: { tenantId: api.tenantId, edgeId } },
  });
  return answerOf(answer, 'Create an enrollment token').token;
}

function inTenant(api: ControllerApi) {
  return { params: { path: { tenantId: api.tenantId } } };
}
