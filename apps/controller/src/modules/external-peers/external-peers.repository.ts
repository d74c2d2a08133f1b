import { Injectable } from '@nestjs/common';
import type { FabricIntent, IntentExternalPeer } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import {
  type IntendedFields,
  intendedExternalPeer,
  type StoredExternalPeer,
  storableExternalPeer,
  type WrittenExternalPeer,
} from './stored-external-peer.js';

@Injectable()
export class ExternalPeersRepository {
  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<StoredExternalPeer[]> {
    return sql<StoredExternalPeer[]>`
      select ${columns(sql)} from external_peers where tenant_id = ${tenantId}
      ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
  }

  async read(sql: SqlExecutor, tenantId: string, peerId: string): Promise<StoredExternalPeer | undefined> {
    const [row] = await sql<StoredExternalPeer[]>`
      select ${columns(sql)} from external_peers where tenant_id = ${tenantId} and id = ${peerId}`;
    return row;
  }

  /** Version and commitment of a peer, which nobody else changes until the end of the transaction. */
  async lock(
    sql: SqlExecutor,
    tenantId: string,
    peerId: string,
  ): Promise<Pick<StoredExternalPeer, 'version' | 'commitment'> | undefined> {
    const [row] = await sql<Pick<StoredExternalPeer, 'version' | 'commitment'>[]>`
      select version, encode(commitment, 'hex') as commitment from external_peers
      where tenant_id = ${tenantId} and id = ${peerId} for update`;
    return row;
  }

  async count(sql: SqlExecutor, tenantId: string): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from external_peers where tenant_id = ${tenantId}`;
    return row?.count ?? 0;
  }

  async insertKey(sql: SqlExecutor, tenantId: string, commitment: string, sealed: Uint8Array): Promise<void> {
    await sql`
      insert into pre_shared_keys (tenant_id, commitment, sealed)
      values (${tenantId}, decode(${commitment}, 'hex'), ${Buffer.from(sealed)})`;
  }

  async sealedKey(sql: SqlExecutor, tenantId: string, commitment: string): Promise<Buffer | undefined> {
    const [row] = await sql<{ sealed: Buffer }[]>`
      select sealed from pre_shared_keys where tenant_id = ${tenantId} and commitment = decode(${commitment}, 'hex')`;
    return row?.sealed;
  }

  async insert(sql: SqlExecutor, tenantId: string, peer: WrittenExternalPeer): Promise<void> {
    await sql`
      insert into external_peers (id, tenant_id, site_id, name, description, address, port, identity, local_identity,
        commitment, certificates, prefixes, ike_proposals, esp_proposal)
      values (${peer.id}, ${tenantId}, ${peer.siteId}, ${peer.name}, ${peer.description}, ${peer.address}, ${peer.port},
        ${peer.identity}, ${peer.localIdentity}, decode(${peer.commitment}, 'hex'), ${certificates(peer)}::bytea[],
        ${[...peer.prefixes]}::text[]::cidr[],
        ${JSON.stringify(peer.ikeProposals)}::text::jsonb, ${JSON.stringify(peer.espProposal)}::text::jsonb)`;
  }

  async update(sql: SqlExecutor, tenantId: string, peer: WrittenExternalPeer): Promise<void> {
    await sql`
      update external_peers set
        site_id = ${peer.siteId}, name = ${peer.name}, description = ${peer.description}, address = ${peer.address},
        port = ${peer.port}, identity = ${peer.identity}, local_identity = ${peer.localIdentity},
        commitment = decode(${peer.commitment}, 'hex'), certificates = ${certificates(peer)}::bytea[], prefixes = ${[...peer.prefixes]}::text[]::cidr[],
        ike_proposals = ${JSON.stringify(peer.ikeProposals)}::text::jsonb,
        esp_proposal = ${JSON.stringify(peer.espProposal)}::text::jsonb,
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${peer.id}`;
  }

  async remove(sql: SqlExecutor, tenantId: string, peerId: string): Promise<boolean> {
    const { count } = await sql`delete from external_peers where tenant_id = ${tenantId} and id = ${peerId}`;
    return count > 0;
  }

  /** What refers to a peer, as phrases. */
  async users(sql: SqlExecutor, tenantId: string, peerId: string): Promise<string[]> {
    const rows = await sql<{ phrase: string }[]>`
      select distinct format('the rule "%s" of the policy "%s"', r.name, p.name) as phrase
      from rule_endpoints e
      join policy_rules r on r.tenant_id = e.tenant_id and r.id = e.rule_id
      join policies p on p.tenant_id = r.tenant_id and p.id = r.policy_id
      where e.tenant_id = ${tenantId} and e.external_peer_id = ${peerId}
      union all
      select distinct format('the group "%s"', g.name)
      from group_members m join groups g on g.tenant_id = m.tenant_id and g.id = m.group_id
      where m.tenant_id = ${tenantId} and m.external_peer_id = ${peerId}`;
    return rows.map(({ phrase }) => phrase);
  }

  /** Makes the table hold the peers of an intent, and no others; descriptions stay. */
  async replaceAll(sql: SqlExecutor, { tenantId, externalPeers = [] }: FabricIntent): Promise<void> {
    const wanted = externalPeers.flatMap((peer) => storableExternalPeer(peer) ?? []);
    const before = new Map((await this.list(sql, tenantId)).map((peer) => [peer.id, peer]));
    const ids = wanted.map(({ id }) => id);
    await sql`delete from external_peers where tenant_id = ${tenantId} and id <> all (${ids}::uuid[])`;
    // Names may have changed hands.
    await sql`update external_peers set name = id::text where tenant_id = ${tenantId}`;
    for (const peer of wanted) {
      const old = before.get(peer.id);
      const written = { ...peer, description: old?.description ?? '' };
      if (old === undefined) await this.insert(sql, tenantId, written);
      else await this.update(sql, tenantId, written);
    }
  }
}

/** The external peers of the tenant `t`, as fields of an intent; null without any. */
export function externalPeersJson(sql: SqlExecutor) {
  return sql`(
    select json_agg(json_build_object(
      'id', x.id, 'siteId', x.site_id, 'name', x.name, 'address', host(x.address), 'port', x.port,
      'identity', x.identity, 'localIdentity', x.local_identity, 'commitment', encode(x.commitment, 'hex'),
      'certificates', (select array_agg(encode(c, 'hex') order by n) from unnest(x.certificates) with ordinality u (c, n)),
      'prefixes', x.prefixes::text[], 'ikeProposals', x.ike_proposals, 'espProposal', x.esp_proposal) order by x.id)
    from external_peers x where x.tenant_id = t.id)`;
}

/** The intent of those; a tenant without external peers has the intents that it had before there were any. */
export function withExternalPeers(intent: FabricIntent, peers: readonly IntendedFields[] | null): FabricIntent {
  if (peers === null) return intent;
  // As a revision stores it: what is undefined is not there, or a draft would differ from the revision that was made of it.
  const externalPeers: readonly IntentExternalPeer[] = JSON.parse(JSON.stringify(peers.map(intendedExternalPeer)));
  return { ...intent, externalPeers };
}

/** As a literal of Postgres, which takes octets in hexadecimal. */
function certificates({ certificates: pinned }: WrittenExternalPeer): string | null {
  return pinned === null ? null : `{${pinned.map((certificate) => `"\\\\x${certificate}"`).join()}}`;
}

function columns(sql: SqlExecutor) {
  return sql`id, site_id, name, description, host(address) as address, port, identity, local_identity,
    encode(commitment, 'hex') as commitment,
    (select array_agg(encode(c, 'hex') order by n) from unnest(certificates) with ordinality u (c, n)) as certificates, prefixes::text[] as prefixes, ike_proposals, esp_proposal, version, created_at,
    updated_at`;
}
