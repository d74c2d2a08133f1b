import { Injectable } from '@nestjs/common';
import type { FabricIntent, IntentService } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { NamedService, NamedServiceInput } from './named-service.dto.js';

type ServiceRow = Omit<NamedService, 'createdAt' | 'updatedAt'> & {
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

@Injectable()
export class NamedServicesRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<NamedService[]> {
    const rows = await sql<
      ServiceRow[]
    >`${this.#select(sql)} where v.tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`v.name`, sql`v.id`])}`;
    return rows.map(serviceOf);
  }

  async read(sql: SqlExecutor, tenantId: string, serviceId: string): Promise<NamedService | undefined> {
    const [row] = await sql<ServiceRow[]>`
      ${this.#select(sql)} where v.tenant_id = ${tenantId} and v.id = ${serviceId}`;
    return row && serviceOf(row);
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from services where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  /** Version of a service, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, serviceId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from services where tenant_id = ${tenantId} and id = ${serviceId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, service: NamedServiceInput): Promise<void> {
    const { name, description, services } = service;
    await sql`insert into services (id, tenant_id, name, description) values (${id}, ${tenantId}, ${name}, ${description})`;
    await this.#insertProtocols(sql, tenantId, [{ id, services }]);
  }

  async update(sql: SqlExecutor, tenantId: string, serviceId: string, service: NamedServiceInput): Promise<void> {
    await sql`
      update services set
        name = ${service.name}, description = ${service.description}, version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${serviceId}`;
    await sql`delete from service_protocols where tenant_id = ${tenantId} and service_id = ${serviceId}`;
    await this.#insertProtocols(sql, tenantId, [{ id: serviceId, services: service.services }]);
  }

  async remove(sql: SqlExecutor, tenantId: string, serviceId: string): Promise<boolean> {
    const { count } = await sql`delete from services where tenant_id = ${tenantId} and id = ${serviceId}`;
    return count > 0;
  }

  /** What refers to a service, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, serviceId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from rule_named_services n
      join policy_rules r on r.tenant_id = n.tenant_id and r.id = n.rule_id
      join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where n.tenant_id = ${tenantId} and n.service_id = ${serviceId}`;
    return rows.map(({ phrase }) => phrase);
  }

  /** Makes the services those of the intent; descriptions stay. No rule is there. */
  async replaceAll(sql: SqlExecutor, { tenantId, services = [] }: FabricIntent): Promise<void> {
    const ids = services.map(({ id }) => id);
    await sql`delete from service_protocols where tenant_id = ${tenantId}`;
    await sql`delete from services where tenant_id = ${tenantId} and id <> all (${ids}::uuid[])`;
    // Names may have changed hands.
    await sql`update services set name = id::text where tenant_id = ${tenantId}`;
    await sql`
      insert into services (id, tenant_id, name)
      select id, ${tenantId}::uuid, name
      from jsonb_to_recordset(${JSON.stringify(services)}::text::jsonb) as wanted (id uuid, name text)
      on conflict (id) do update set name = excluded.name, version = services.version + 1, updated_at = now()`;
    await this.#insertProtocols(sql, tenantId, services);
  }

  async #insertProtocols(
    sql: SqlExecutor,
    tenantId: string,
    services: readonly Pick<IntentService, 'id' | 'services'>[],
  ): Promise<void> {
    await sql`
      insert into service_protocols (tenant_id, service_id, position, protocol, ports)
      select ${tenantId}, (named ->> 'id')::uuid, place - 1, service ->> 'protocol', array(
        select int4range((port ->> 'first')::integer, (port ->> 'last')::integer, '[]')
        from jsonb_array_elements(service -> 'ports') with ordinality as ports (port, n) order by n)
      from jsonb_array_elements(${JSON.stringify(services)}::text::jsonb) as named_services (named),
        jsonb_array_elements(named -> 'services') with ordinality as services (service, place)`;
  }

  #select(sql: SqlExecutor) {
    return sql`
      select v.id, v.name, v.description, ${protocolsJson(sql)} as services, v.version, v.created_at, v.updated_at
      from services v`;
  }
}

/** The named services of the tenant `t`, as an intent has them; null without any. */
export function namedServicesJson(sql: SqlExecutor) {
  return sql`(
    select json_agg(json_build_object('id', v.id, 'name', v.name, 'services', ${protocolsJson(sql)}) order by v.id)
    from services v where v.tenant_id = t.id)`;
}

function protocolsJson(sql: SqlExecutor) {
  return sql`coalesce((
    select json_agg(json_build_object('protocol', s.protocol, 'ports', coalesce((
      select json_agg(json_build_object('first', lower(range), 'last', upper(range) - 1) order by n)
      from unnest(s.ports) with ordinality as ranges (range, n)), '[]')) order by s.position)
    from service_protocols s where s.tenant_id = v.tenant_id and s.service_id = v.id), '[]')`;
}

function serviceOf(row: ServiceRow): NamedService {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
