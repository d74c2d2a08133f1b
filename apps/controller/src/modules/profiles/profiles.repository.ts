import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import type { Profile, ProfileInput } from './profile.dto.js';
import { type ProfileRow, profileOf, type WrittenProfile, writtenIntent, writtenProfile } from './stored-profile.js';

@Injectable()
export class ProfilesRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<Profile[]> {
    const rows = await sql<ProfileRow[]>`
      select * from profiles where tenant_id = ${tenantId} ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(profileOf);
  }

  async read(sql: SqlExecutor, tenantId: string, profileId: string): Promise<Profile | undefined> {
    const [row] = await sql<ProfileRow[]>`
      select * from profiles where tenant_id = ${tenantId} and id = ${profileId}`;
    return row && profileOf(row);
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from profiles where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  /** Version of a profile, which nobody else changes until the end of the transaction. */
  async lockVersion(sql: SqlExecutor, tenantId: string, profileId: string): Promise<number | undefined> {
    const [row] = await sql<{ version: number }[]>`
      select version from profiles where tenant_id = ${tenantId} and id = ${profileId} for update`;
    return row?.version;
  }

  async insert(sql: SqlExecutor, tenantId: string, id: string, profile: ProfileInput): Promise<void> {
    await this.#insert(sql, tenantId, { id, description: profile.description, ...writtenProfile(profile) });
  }

  async update(sql: SqlExecutor, tenantId: string, profileId: string, profile: ProfileInput): Promise<void> {
    await this.#put(sql, tenantId, { id: profileId, description: profile.description, ...writtenProfile(profile) });
  }

  async remove(sql: SqlExecutor, tenantId: string, profileId: string): Promise<boolean> {
    const { count } = await sql`delete from profiles where tenant_id = ${tenantId} and id = ${profileId}`;
    return count > 0;
  }

  /** What refers to a profile, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, profileId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from policy_rules r join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where r.tenant_id = ${tenantId} and r.profile_id = ${profileId}
      union all
      select 'the tenant, as its default' from tenants where id = ${tenantId} and default_profile_id = ${profileId}`;
    return rows.map(({ phrase }) => phrase);
  }

  /** Makes the profiles those of the intent; descriptions stay. No rule is there. */
  async replaceAll(sql: SqlExecutor, { tenantId, profiles = [] }: FabricIntent): Promise<void> {
    const ids = profiles.map(({ id }) => id);
    await sql`delete from profiles where tenant_id = ${tenantId} and id <> all (${ids}::uuid[])`;
    // Names may have changed hands.
    await sql`update profiles set name = id::text where tenant_id = ${tenantId}`;
    for (const profile of profiles) {
      const written = { id: profile.id, ...writtenIntent(profile) };
      if (!(await this.#put(sql, tenantId, written)))
        await this.#insert(sql, tenantId, { description: '', ...written });
    }
  }

  async #insert(
    sql: SqlExecutor,
    tenantId: string,
    profile: Identified & { readonly description: string },
  ): Promise<void> {
    await sql`
      insert into profiles (id, tenant_id, name, description, esp_encryption, esp_key_bits, replay_window, ike_encryption,
        ike_key_bits, ike_prf, ike_key_exchange, child_key_exchange, ike_lifetime_seconds, child_lifetime_seconds)
      values (${profile.id}, ${tenantId}, ${profile.name}, ${profile.description}, ${profile.espEncryption},
        ${profile.espKeyBits}, ${profile.replayWindow}, ${profile.ikeEncryption}, ${profile.ikeKeyBits}, ${profile.ikePrf},
        ${[...profile.ikeKeyExchange]}::integer[], ${[...profile.childKeyExchange]}::integer[],
        ${profile.ikeLifetimeSeconds}, ${profile.childLifetimeSeconds})`;
  }

  /** False: there is none with its identifier. Without a description it keeps its own. */
  async #put(
    sql: SqlExecutor,
    tenantId: string,
    profile: Identified & { readonly description?: string },
  ): Promise<boolean> {
    const { count } = await sql`
      update profiles set
        name = ${profile.name}, description = coalesce(${profile.description ?? null}, description),
        esp_encryption = ${profile.espEncryption}, esp_key_bits = ${profile.espKeyBits},
        replay_window = ${profile.replayWindow}, ike_encryption = ${profile.ikeEncryption},
        ike_key_bits = ${profile.ikeKeyBits}, ike_prf = ${profile.ikePrf},
        ike_key_exchange = ${[...profile.ikeKeyExchange]}::integer[],
        child_key_exchange = ${[...profile.childKeyExchange]}::integer[],
        ike_lifetime_seconds = ${profile.ikeLifetimeSeconds}, child_lifetime_seconds = ${profile.childLifetimeSeconds},
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${profile.id}`;
    return count > 0;
  }
}

type Identified = WrittenProfile & { readonly id: string };

/** The profiles of the tenant `t`; null without any. */
export function profilesJson(sql: SqlExecutor) {
  return sql`(select json_agg(json_build_object(
    'id', f.id, 'name', f.name, 'espEncryption', f.esp_encryption, 'espKeyBits', f.esp_key_bits,
    'replayWindow', f.replay_window, 'ikeEncryption', f.ike_encryption, 'ikeKeyBits', f.ike_key_bits,
    'ikePrf', f.ike_prf, 'ikeKeyExchange', f.ike_key_exchange, 'childKeyExchange', f.child_key_exchange,
    'ikeLifetimeSeconds', f.ike_lifetime_seconds, 'childLifetimeSeconds', f.child_lifetime_seconds) order by f.id)
    from profiles f where f.tenant_id = t.id)`;
}
