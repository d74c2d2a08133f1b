import { Injectable } from '@nestjs/common';
import type { FabricIntent, Rule as IntentRule } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { AddressPoolsRepository } from '../address-pools/address-pools.repository.js';
import { AssignedAddressesRepository } from '../external-peers/assigned-addresses.repository.js';
import { ExternalPeersRepository } from '../external-peers/external-peers.repository.js';
import { GroupsRepository } from '../groups/groups.repository.js';
import { NamedServicesRepository } from '../named-services/named-services.repository.js';
import { PoliciesRepository } from '../policies/policies.repository.js';
import type { Rule } from '../policies/policy.dto.js';
import { ProfilesRepository } from '../profiles/profiles.repository.js';
import { FULL_MESH } from '../topology/stored-topology.js';
import { TopologyRepository } from '../topology/topology.repository.js';

/**
 * Writes an intent into the tables that people edit, so that they hold it and nothing else. What is in both stays: edges keep
 * their certificates, policies their descriptions. Policy tests are not touched: they say what must hold now.
 */
@Injectable()
export class IntentTables {
  readonly #policies: PoliciesRepository;
  readonly #addressPools: AddressPoolsRepository;
  readonly #addresses: AssignedAddressesRepository;
  readonly #externalPeers: ExternalPeersRepository;
  readonly #groups: GroupsRepository;
  readonly #services: NamedServicesRepository;
  readonly #profiles: ProfilesRepository;
  readonly #topology: TopologyRepository;

  constructor(
    policies: PoliciesRepository,
    addressPools: AddressPoolsRepository,
    addresses: AssignedAddressesRepository,
    externalPeers: ExternalPeersRepository,
    groups: GroupsRepository,
    services: NamedServicesRepository,
    profiles: ProfilesRepository,
    topology: TopologyRepository,
  ) {
    this.#policies = policies;
    this.#addressPools = addressPools;
    this.#addresses = addresses;
    this.#externalPeers = externalPeers;
    this.#groups = groups;
    this.#services = services;
    this.#profiles = profiles;
    this.#topology = topology;
  }

  /** The tenant is locked. Whoever edits at the same moment waits, or is waited for. */
  async replace(sql: SqlExecutor, intent: FabricIntent): Promise<void> {
    const { tenantId } = intent;
    // The default profile comes and goes with the others.
    await sql`set constraints tenants_default_profile_fkey deferred`;
    await sql`
      update tenants set
        keying_mode = ${intent.keyingMode ?? 'ike-less'}, encapsulation = ${intent.encapsulation ?? 'udp'},
        security_protocol = ${intent.securityProtocol ?? 'esp'}, mode = ${intent.mode ?? 'tunnel'},
        default_profile_id = ${intent.defaultProfileId ?? null},
        tunnel_start = ${intent.tunnelStart?.kind ?? 'start'}, idle_seconds = ${idleSecondsOf(intent)}
      where id = ${tenantId}`;
    const policies = await this.#policies.list(sql, tenantId);
    // From those who name to those who are named, and back: what is named must be there.
    await sql`delete from policies where tenant_id = ${tenantId}`;
    await this.#services.replaceAll(sql, intent);
    await this.#profiles.replaceAll(sql, intent);
    await this.#groups.clear(sql, intent);
    await this.#remove(sql, intent);
    await this.#sites(sql, intent);
    await this.#networks(sql, intent);
    await this.#edges(sql, intent);
    // What is assigned of a pool holds it where it is.
    await this.#addresses.remove(sql, tenantId);
    await this.#addressPools.replaceAll(sql, intent);
    await this.#externalPeers.replaceAll(sql, intent);
    await this.#topology.replace(sql, tenantId, intent.topology ?? FULL_MESH);
    await sql`delete from sites where tenant_id = ${tenantId} and id <> all (${idsOf(intent.sites)}::uuid[])`;
    await this.#groups.fill(sql, intent);
    const known = new Map(policies.map((policy) => [policy.id, policy]));
    for (const [position, { id, name, enabled, confidential = false, rules }] of intent.policies.entries()) {
      const old = known.get(id);
      const written = rules.map(ruleOf);
      const input = { name, enabled, confidential, description: old?.description ?? '', rules: written };
      await this.#policies.insert(sql, tenantId, id, input, position, (old?.version ?? 0) + 1);
      await this.#policies.replaceRules(sql, tenantId, id, written);
    }
  }

  /** Edges that the intent does not have, and networks that it has not as they are. */
  async #remove(sql: SqlExecutor, { tenantId, edges, networks }: FabricIntent): Promise<void> {
    await sql`delete from edges where tenant_id = ${tenantId} and id <> all (${idsOf(edges)}::uuid[])`;
    await sql`
      delete from networks n where tenant_id = ${tenantId} and not exists (
        select from jsonb_to_recordset(${JSON.stringify(networks)}::text::jsonb)
          as wanted (id uuid, "siteId" uuid, name text, prefix cidr, "mappedPrefix" cidr)
        where wanted.id = n.id and wanted."siteId" = n.site_id and wanted.name = n.name and wanted.prefix = n.prefix
          and wanted."mappedPrefix" is not distinct from n.mapped_prefix)`;
  }

  /** Names may have changed hands: those that change are set aside first. */
  async #sites(sql: SqlExecutor, { tenantId, sites }: FabricIntent): Promise<void> {
    const wanted = sql`jsonb_to_recordset(${JSON.stringify(sites)}::text::jsonb) as wanted (id uuid, name text, labels jsonb)`;
    await sql`
      update sites s set name = s.id::text where tenant_id = ${tenantId}
        and not exists (select from ${wanted} where wanted.id = s.id and wanted.name = s.name)`;
    await sql`
      insert into sites (id, tenant_id, name, labels) select id, ${tenantId}::uuid, name, coalesce(labels, '{}') from ${wanted}
      on conflict (id) do update set name = excluded.name, labels = excluded.labels, updated_at = now()
      where (sites.name, sites.labels) is distinct from (excluded.name, excluded.labels)`;
  }

  async #networks(sql: SqlExecutor, { tenantId, networks }: FabricIntent): Promise<void> {
    await sql`
      insert into networks (id, tenant_id, site_id, name, prefix, mapped_prefix, labels)
      select id, ${tenantId}::uuid, "siteId", name, prefix, "mappedPrefix", coalesce(labels, '{}')
      from jsonb_to_recordset(${JSON.stringify(networks)}::text::jsonb)
        as wanted (id uuid, "siteId" uuid, name text, prefix cidr, "mappedPrefix" cidr, labels jsonb)
      on conflict (id) do update set labels = excluded.labels where networks.labels <> excluded.labels`;
  }

  async #edges(sql: SqlExecutor, { tenantId, edges }: FabricIntent): Promise<void> {
    const wanted = sql`jsonb_to_recordset(${JSON.stringify(edges)}::text::jsonb)
      as wanted (id uuid, "siteId" uuid, name text, "underlayAddress" inet, "otherUnderlayAddresses" inet[],
        "underlayPort" integer, preference integer)`;
    // Edges of a site may change places.
    await sql`set constraints edges_preference_key deferred`;
    await sql`
      update edges e set name = e.id::text where tenant_id = ${tenantId}
        and not exists (select from ${wanted} where wanted.id = e.id and wanted.name = e.name)`;
    await sql`
      insert into edges (id, tenant_id, site_id, name, underlay_address, other_underlay_addresses, underlay_port, preference)
      select id, ${tenantId}::uuid, "siteId", name, "underlayAddress", coalesce("otherUnderlayAddresses", '{}'), "underlayPort",
        coalesce(preference, 1)
      from ${wanted}
      on conflict (id) do update set
        site_id = excluded.site_id, name = excluded.name, underlay_address = excluded.underlay_address,
        other_underlay_addresses = excluded.other_underlay_addresses,
        underlay_port = excluded.underlay_port, preference = excluded.preference, updated_at = now()
      where (edges.site_id, edges.name, edges.underlay_address, edges.other_underlay_addresses, edges.underlay_port, edges.preference)
        is distinct from (
          excluded.site_id, excluded.name, excluded.underlay_address, excluded.other_underlay_addresses,
          excluded.underlay_port, excluded.preference)`;
  }
}

function ruleOf({
  id,
  name,
  action,
  enabled,
  sources,
  destinations,
  services,
  serviceIds,
  profileId,
  tunnelStart,
}: IntentRule): Rule {
  return {
    id,
    name,
    action,
    enabled: enabled ?? true,
    sources: [...sources],
    destinations: [...destinations],
    services: services.map(({ protocol, ports }) => ({ protocol, ports: ports.map((range) => ({ ...range })) })),
    serviceIds: [...(serviceIds ?? [])],
    profileId: profileId ?? null,
    tunnelStart: tunnelStart ?? null,
  };
}

function idleSecondsOf({ tunnelStart }: FabricIntent): number | null {
  return (tunnelStart?.kind === 'trap' ? tunnelStart.idleSeconds : undefined) ?? null;
}

function idsOf(items: readonly { readonly id: string }[]): string[] {
  return items.map(({ id }) => id);
}
