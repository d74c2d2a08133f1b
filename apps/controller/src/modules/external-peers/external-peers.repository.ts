import { Injectable } from '@nestjs/common';
import type { FabricIntent, IntentExternalPeer } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { type PageRequest, pageEnd } from '../../platform/database/page-request.js';
import { AssignedAddressesRepository, assignedJson } from './assigned-addresses.repository.js';
import {
  type IntendedFields,
  intendedExternalPeer,
  type StoredExternalPeer,
  type StoredFields,
  type StoredForm,
  type StoredRemoteHost,
  storableExternalPeer,
  type WrittenExternalPeer,
} from './stored-external-peer.js';

@Injectable()
export class ExternalPeersRepository {
  readonly #addresses: AssignedAddressesRepository;

  constructor(addresses: AssignedAddressesRepository) {
    this.#addresses = addresses;
  }

  async list(sql: SqlExecutor, tenantId: string, page?: PageRequest): Promise<StoredExternalPeer[]> {
    const rows = await sql<ExternalPeerRow[]>`
      select ${columns(sql)} from external_peers x where tenant_id = ${tenantId}
      ${pageEnd(sql, page, [sql`name`, sql`id`])}`;
    return rows.map(externalPeerOf);
  }

  async read(sql: SqlExecutor, tenantId: string, peerId: string): Promise<StoredExternalPeer | undefined> {
    const [row] = await sql<ExternalPeerRow[]>`
      select ${columns(sql)} from external_peers x where tenant_id = ${tenantId} and id = ${peerId}`;
    return row && externalPeerOf(row);
  }

  /** Version, kind and commitment of a peer, which nobody else changes until the end of the transaction. */
  async lock(sql: SqlExecutor, tenantId: string, peerId: string): Promise<LockedExternalPeer | undefined> {
    const [row] = await sql<LockedExternalPeer[]>`
      select version, name, kind, encode(commitment, 'hex') as commitment from external_peers
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
    const { kind, address, port, prefixes } = columnsOf(peer);
    await sql`
      insert into external_peers (id, tenant_id, site_id, name, description, kind, address, port, identity, local_identity,
        commitment, certificates, prefixes, ike_proposals, esp_proposal)
      values (${peer.id}, ${tenantId}, ${peer.siteId}, ${peer.name}, ${peer.description}, ${kind}, ${address}::text::inet, ${port}::integer,
        ${peer.identity}, ${peer.localIdentity}, decode(${peer.commitment}, 'hex'), ${certificates(peer)}::bytea[],
        ${prefixes}::text[]::cidr[],
        ${JSON.stringify(peer.ikeProposals)}::text::jsonb, ${JSON.stringify(peer.espProposal)}::text::jsonb)`;
    if ('assigned' in peer) await this.#addresses.replace(sql, tenantId, peer.id, peer.assigned);
  }

  async update(sql: SqlExecutor, tenantId: string, peer: WrittenExternalPeer): Promise<void> {
    const { kind, address, port, prefixes } = columnsOf(peer);
    // They are of its site, which may become another.
    await this.#addresses.remove(sql, tenantId, peer.id);
    await sql`
      update external_peers set
        site_id = ${peer.siteId}, name = ${peer.name}, description = ${peer.description}, kind = ${kind},
        address = ${address}::text::inet, port = ${port}::integer, prefixes = ${prefixes}::text[]::cidr[], identity = ${peer.identity}, local_identity = ${peer.localIdentity},
        commitment = decode(${peer.commitment}, 'hex'), certificates = ${certificates(peer)}::bytea[],
        ike_proposals = ${JSON.stringify(peer.ikeProposals)}::text::jsonb,
        esp_proposal = ${JSON.stringify(peer.espProposal)}::text::jsonb,
        version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and id = ${peer.id}`;
    if ('assigned' in peer) await this.#addresses.replace(sql, tenantId, peer.id, peer.assigned);
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
    // Addresses may have changed hands, too.
    await this.#addresses.remove(sql, tenantId);
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
  const beginning = sql`'id', x.id, 'siteId', x.site_id, 'name', x.name`;
  const proof = sql`
    'identity', x.identity, 'localIdentity', x.local_identity, 'commitment', encode(x.commitment, 'hex'),
    'certificates', (select array_agg(encode(c, 'hex') order by n) from unnest(x.certificates) with ordinality u (c, n))`;
  const proposals = sql`'ikeProposals', x.ike_proposals, 'espProposal', x.esp_proposal`;
  return sql`(
    select json_agg(case x.kind
      when 'gateway' then json_build_object(${beginning}, 'address', host(x.address), 'port', x.port, ${proof},
        'prefixes', x.prefixes::text[], ${proposals})
      else json_build_object(${beginning}, 'assigned', coalesce(${assignedJson(sql)}, '[]'), ${proof}, ${proposals})
    end order by x.id)
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

type ExternalPeerRow = StoredFields & Columns & { readonly assigned: StoredRemoteHost['assigned'] | null };

/** As the table has what makes a gateway or a remote host. */
interface Columns {
  readonly kind: 'gateway' | 'remote_host';
  readonly address: string | null;
  readonly port: number | null;
  readonly prefixes: string[] | null;
}

/** What is looked at of a peer before it is changed. */
export type LockedExternalPeer = Pick<StoredFields, 'version' | 'name' | 'commitment'> & Pick<Columns, 'kind'>;

function columnsOf(form: StoredForm): Columns {
  if ('assigned' in form) return { kind: 'remote_host', address: null, port: null, prefixes: null };
  return { kind: 'gateway', address: form.address, port: form.port, prefixes: [...form.prefixes] };
}

function externalPeerOf({
  kind: _,
  address,
  port,
  prefixes,
  assigned,
  ...fields
}: ExternalPeerRow): StoredExternalPeer {
  if (address === null || port === null || prefixes === null) return { ...fields, assigned: assigned ?? [] };
  return { ...fields, address, port, prefixes };
}

function columns(sql: SqlExecutor) {
  return sql`id, site_id, name, description, kind, host(address) as address, ${assignedJson(sql)} as assigned, port, identity, local_identity,
    encode(commitment, 'hex') as commitment,
    (select array_agg(encode(c, 'hex') order by n) from unnest(certificates) with ordinality u (c, n)) as certificates, prefixes::text[] as prefixes, ike_proposals, esp_proposal, version, created_at,
    updated_at`;
}
