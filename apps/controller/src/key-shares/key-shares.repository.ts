import { Injectable } from '@nestjs/common';
import type { KeyShare } from '@weft/contracts/southbound';
import type { SqlExecutor } from '../platform/database/connection-options.js';

/** What an edge is to be told of a tunnel: what `sender` has said after `after`. */
export interface WantedShare {
  readonly tunnelId: string;
  readonly sender: string;
  /** Version of what it has been told last; 0 before the first. */
  readonly after: bigint;
}

export interface StoredShare extends KeyShare {
  readonly version: bigint;
}

/** The table key_shares: the latest message of each end of each tunnel. */
@Injectable()
export class KeySharesRepository {
  /** In place of what the edge said of these tunnels before; a later one that is stored already stays. */
  async store(
    sql: SqlExecutor,
    { tenantId, edgeId }: { readonly tenantId: string; readonly edgeId: string },
    shares: readonly KeyShare[],
  ): Promise<void> {
    const rows = shares.map(({ tunnelId, signedMessage }) => ({
      tunnel: tunnelId,
      message: signedMessage.toString('hex'),
    }));
    await sql`
      insert into key_shares (tenant_id, tunnel_id, edge_id, signed_message)
      select ${tenantId}, tunnel, ${edgeId}, decode(message, 'hex')
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as s(tunnel uuid, message text)
      order by tunnel
      on conflict (tenant_id, tunnel_id, edge_id) do update
        set signed_message = excluded.signed_message, version = excluded.version, stored_at = excluded.stored_at
        where key_shares.version < excluded.version`;
  }

  /** Of those that are wanted, what is there. */
  newer(sql: SqlExecutor, tenantId: string, wanted: readonly WantedShare[]): Promise<StoredShare[]> {
    const rows = wanted.map(({ tunnelId, sender, after }) => ({ tunnel: tunnelId, sender, after: String(after) }));
    return sql<StoredShare[]>`
      select k.tunnel_id, k.signed_message, k.version
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as w(tunnel uuid, sender uuid, after bigint)
      join key_shares k on k.tenant_id = ${tenantId} and k.tunnel_id = w.tunnel and k.edge_id = w.sender
      where k.version > w.after order by k.version`;
  }

  /** Removes what was said of tunnels that are not there any more. */
  async retainOnly(sql: SqlExecutor, tenantId: string, tunnelIds: readonly string[]): Promise<void> {
    await sql`delete from key_shares where tenant_id = ${tenantId} and tunnel_id <> all (${[...tunnelIds]}::uuid[])`;
  }
}
