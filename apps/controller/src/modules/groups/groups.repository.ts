import { Injectable } from '@nestjs/common';
import type { FabricIntent, IntentGroup } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Group, GroupInput, GroupMember } from './group.dto.js';

type GroupRow = Omit<Group, 'createdAt' | 'updatedAt'> & { readonly createdAt: Date; readonly updatedAt: Date };

@Injectable()
export class GroupsRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Group[]> {
    const rows = await sql<
      GroupRow[]
    >`${this.#select(sql)} where g.tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`g.name`, sql`g.id`])}`;
    return rows.map(groupOf);
  }

  async read(sql: SqlExecutor, tenantId: string, groupId: string): Promise<Group | undefined> {
    const [row] = await sql<GroupRow[]>`${this.#select(sql)} where g.tenant_id = ${tenantId} and g.id = ${groupId}`;
    return row && groupOf(row);
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from groups where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  /** Version of a group, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, groupId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from groups where tenant_id = ${tenantId} and id = ${groupId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, group: GroupInput): Promise<void> {
    await sql`
      insert into groups (id, tenant_id, name, description) values (${id}, ${tenantId}, ${group.name}, ${group.description})`;
    await this.#insertMembers(sql, tenantId, [{ id, members: group.members }]);
  }

  async update(sql: SqlExecutor, tenantId: string, groupId: string, group: GroupInput): Promise<void> {
    await sql`
      update groups set
        name = ${group.name}, description = ${group.description}, version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${groupId}`;
    await sql`delete from group_members where tenant_id = ${tenantId} and group_id = ${groupId}`;
    await this.#insertMembers(sql, tenantId, [{ id: groupId, members: group.members }]);
  }

  async remove(sql: SqlExecutor, tenantId: string, groupId: string): Promise<boolean> {
    const { count } = await sql`delete from groups where tenant_id = ${tenantId} and id = ${groupId}`;
    return count > 0;
  }

  /** What refers to a group, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, groupId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from rule_endpoints e
      join policy_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
      join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where e.tenant_id = ${tenantId} and e.group_id = ${groupId}`;
    return rows.map(({ phrase }) => phrase);
  }

  /** Before what members name goes: empties all groups, and removes those that the intent does not have. No rule is there. */
  async clear(sql: SqlExecutor, { tenantId, groups = [] }: FabricIntent): Promise<void> {
    const ids = groups.map(({ id }) => id);
    await sql`delete from group_members where tenant_id = ${tenantId}`;
    await sql`delete from groups where tenant_id = ${tenantId} and id <> all (${ids}::uuid[])`;
    // Names may have changed hands.
    await sql`update groups set name = id::text where tenant_id = ${tenantId}`;
  }

  /** After that: makes the groups those of the intent; descriptions stay. */
  async fill(sql: SqlExecutor, { tenantId, groups = [] }: FabricIntent): Promise<void> {
    await sql`
      insert into groups (id, tenant_id, name)
      select id, ${tenantId}::uuid, name
      from jsonb_to_recordset(${JSON.stringify(groups)}::text::jsonb) as wanted (id uuid, name text)
      on conflict (id) do update set name = excluded.name, version = groups.version + 1, updated_at = now()`;
    await this.#insertMembers(sql, tenantId, groups);
  }

  async #insertMembers(
    sql: SqlExecutor,
    tenantId: string,
    groups: readonly { readonly id: string; readonly members: IntentGroup['members'] | readonly GroupMember[] }[],
  ): Promise<void> {
    await sql`
      insert into group_members (tenant_id, group_id, position, kind, site_id, network_id, prefix, external_peer_id, labels)
      select ${tenantId}, ("group" ->> 'id')::uuid, place - 1, member ->> 'kind', (member ->> 'siteId')::uuid,
        (member ->> 'networkId')::uuid, (member ->> 'prefix')::cidr, (member ->> 'externalPeerId')::uuid, member -> 'labels'
      from jsonb_array_elements(${JSON.stringify(groups)}::text::jsonb) as groups ("group"),
        jsonb_array_elements("group" -> 'members') with ordinality as members (member, place)`;
  }

  #select(sql: SqlExecutor) {
    return sql`
      select g.id, g.name, g.description, ${membersJson(sql)} as members, g.version, g.created_at, g.updated_at
      from groups g`;
  }
}

/** The groups of the tenant `t`, as an intent has them; null without any. */
export function groupsJson(sql: SqlExecutor) {
  return sql`(
    select json_agg(json_build_object('id', g.id, 'name', g.name, 'members', ${membersJson(sql)}) order by g.id)
    from groups g where g.tenant_id = t.id)`;
}

function membersJson(sql: SqlExecutor) {
  return sql`coalesce((
    select json_agg(json_strip_nulls(json_build_object(
      'kind', m.kind, 'siteId', m.site_id, 'networkId', m.network_id, 'prefix', m.prefix::text,
      'externalPeerId', m.external_peer_id, 'labels', m.labels)) order by m.position)
    from group_members m where m.tenant_id = g.tenant_id and m.group_id = g.id), '[]')`;
}

function groupOf(row: GroupRow): Group {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
