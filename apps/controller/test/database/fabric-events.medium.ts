import { randomBytes, randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FabricEventsRepository } from '../../src/modules/events/fabric-events.repository.js';
import { openPool, type SqlExecutor, type SqlTypes } from '../../src/platform/database/connection-options.js';
import type { Database } from '../../src/platform/database/database.js';
import { installationScope, tenantScope } from '../../src/platform/database/database-scope.js';
import { eventually } from '../support/patience.js';
import { startedDatabase } from '../support/started-database.js';
import { TestPostgres } from '../support/test-postgres.js';
import { seedTenant } from './seed-tenant.js';

let server: TestPostgres;
let database: Database;
let admin: postgres.Sql<SqlTypes>;
let tenantId: string;
let edgeId: string;
/** What the tenant's seed has put there. */
let seeded: bigint;
const repository = new FabricEventsRepository();

beforeAll(async () => {
  server = await TestPostgres.start();
  const url = await server.createDatabase();
  database = await startedDatabase(url);
  admin = openPool({ url }, 10);
});
afterAll(async () => {
  await admin?.end();
  await database?.stop();
  await server?.remove();
});
beforeEach(async () => {
  tenantId = randomUUID();
  ({ edgeId } = await seedTenant(admin, tenantId));
  seeded = (await read(0n)).at(-1)?.sequence ?? 0n;
});

const within = <T>(work: (sql: SqlExecutor) => Promise<T>) =>
  database.within(tenantScope(tenantId), () => database.transaction(work));
const read = (after: bigint) => within((sql) => repository.list(sql, tenantId, after, 1_000));
const told = async (after = seeded) =>
  (await read(after)).map(({ sequence, detail }) => `${sequence - seeded} ${detail}`);

let number = 0;
const tell = (sql: SqlExecutor, detail: string) => {
  number += 1;
  return sql`
    insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at, detail)
    values (${tenantId}, ${edgeId}, 'boot', ${number}, 'tunnel_up', now(), ${detail})`;
};

/** A transaction that has done its work, and commits or not when it is told to. */
async function begun(work: (sql: SqlExecutor) => Promise<unknown>) {
  let settle: (keep: boolean) => void = () => undefined;
  const verdict = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  let ended: Promise<unknown> = Promise.resolve();
  const pid = await new Promise<number>((resolve, reject) => {
    ended = within(async (sql) => {
      await work(sql);
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      resolve(row?.pid ?? 0);
      if (!(await verdict)) throw new Error('rolled back');
    });
    ended.catch(reject);
  });
  return {
    pid,
    commit: async () => {
      settle(true);
      await ended;
    },
    rollBack: async () => {
      settle(false);
      await expect(ended).rejects.toThrow('rolled back');
    },
  };
}

describe('the journal of a tenant', () => {
  it('has no event behind the back of who has read further: one that is written first and committed last comes last', async () => {
    const first = await begun((sql) => tell(sql, 'written first'));
    await within((sql) => tell(sql, 'committed first'));
    expect(await told()).toEqual(['1 committed first']);
    await first.commit();
    expect(await told()).toEqual(['1 committed first', '2 written first']);
    // By identity it is the other way round, which is what a reader of edge_events would trip over.
    const rows = await admin<
      { detail: string }[]
    >`select detail from edge_events where tenant_id = ${tenantId} order by id`;
    expect(rows.map(({ detail }) => detail)).toEqual(['written first', 'committed first']);
  });

  it.each([
    ['commits', true, ['1 has the number', '2 waits for it']],
    ['does not', false, ['1 waits for it']],
  ])('gives a number to one at a time, until it %s', async (_name, keep, outcome) => {
    const holder = await begun(async (sql) => {
      await tell(sql, 'has the number');
      // As COMMIT does: from here on there is nothing but the commit.
      await sql`set constraints all immediate`;
    });
    let done = false;
    const waiting = within((sql) => tell(sql, 'waits for it')).then(() => {
      done = true;
    });
    await eventually(async () => {
      const blocked = await admin`select from pg_stat_activity where ${holder.pid} = any (pg_blocking_pids(pid))`;
      expect(blocked).toHaveLength(1);
    });
    expect([done, await told()]).toEqual([false, []]);
    await (keep ? holder.commit() : holder.rollBack());
    await waiting;
    expect(await told()).toEqual(outcome);
  });

  it('is read without a gap by who reads while many write', async () => {
    const [writers, each] = [6, 20];
    let written = 0;
    const writing = Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let index = 0; index < each; index += 1) {
          await within(async (sql) => {
            await tell(sql, `${writer}.${index} a`);
            await tell(sql, `${writer}.${index} b`);
          });
          written += 2;
        }
      }),
    );
    const seen: string[] = [];
    let position = seeded;
    const look = async () => {
      for (const { sequence, detail } of await read(position)) {
        expect(sequence).toBe(position + 1n);
        position = sequence;
        seen.push(detail ?? '');
      }
    };
    while (written < writers * each * 2) await look();
    await writing;
    await look();
    expect(seen).toHaveLength(writers * each * 2);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('keeps the newest 20,000', async () => {
    for (const detail of ['old', 'older than allowed', 'kept']) await within((sql) => tell(sql, detail));
    await admin`update event_journals set last = last + 19998 where tenant_id = ${tenantId}`;
    await within((sql) => tell(sql, 'new'));
    expect(await told(0n)).toEqual(['3 kept', '20002 new']);
  });

  it('tells who published what, and why that was not simply so', async () => {
    const intent = JSON.stringify({ tenantId, sites: [], networks: [], edges: [], policies: [] });
    const published = (revision: {
      number: number;
      comment?: string;
      override?: string;
      restoredFrom?: number;
    }) => admin`
      insert into revisions (tenant_id, number, author, comment, intent, findings, override_reason, restored_from)
      values (${tenantId}, ${revision.number}, 'ada', ${revision.comment ?? ''}, ${intent}::text::jsonb,
        ${revision.override === undefined ? '[]' : '[{}]'}::text::jsonb, ${revision.override ?? null}, ${revision.restoredFrom ?? null})`;
    await published({ number: 2, comment: 'more sites' });
    await published({ number: 3, restoredFrom: 1 });
    await published({ number: 4, override: 'they asked for it' });
    expect(await read(seeded)).toMatchObject([
      { type: 'revision.published', revision: 2, actor: 'ada', cause: null, detail: 'more sites', edgeId: null },
      { type: 'revision.published', revision: 3, actor: 'ada', cause: 'restored', detail: null },
      { type: 'revision.published', revision: 4, actor: 'ada', cause: 'proof_overridden' },
    ]);
  });

  it('tells of every bundle that is in force, and once when all of them are', async () => {
    const [second, never] = [randomUUID(), randomUUID()];
    for (const id of [second, never]) {
      await admin`
        insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content)
        values (${tenantId}, ${id}, 1, 1, sha256('\\x01'), '\\x01')`;
    }
    const applied = (sql: SqlExecutor, id: string) => sql`
      update edge_bundles set applied_revision = revision, applied_generation = generation, applied_hash = content_hash,
        applied_content = content, applied_at = now()
      where tenant_id = ${tenantId} and edge_id = ${id}`;
    await within((sql) => applied(sql, edgeId));
    await within((sql) => applied(sql, second));
    // The same again is nothing new.
    await within((sql) => applied(sql, second));
    await admin`update edge_bundles set revision = 2, generation = 2, content = '\\x02', content_hash = sha256('\\x02') where tenant_id = ${tenantId}`;
    // Both are the last one.
    const [one, other] = [await begun((sql) => applied(sql, edgeId)), await begun((sql) => applied(sql, second))];
    await Promise.all([one.commit(), other.commit()]);
    const events = await read(seeded);
    expect(events.map(({ type, revision }) => `${type} ${revision}`)).toEqual([
      'edge.bundle_applied 1',
      'rollout.completed 1',
      'edge.bundle_applied 1',
      'edge.bundle_applied 2',
      'edge.bundle_applied 2',
      'rollout.completed 2',
    ]);
    expect(events[0]).toMatchObject({ edgeId, edgeName: 'edge' });
  });

  it('tells that a rollout is complete which has nobody do anything, once', async () => {
    const [second, behind] = [randomUUID(), randomUUID()];
    for (const [id, applied] of [
      [behind, Buffer.of(0)],
      [second, Buffer.of(1)],
    ] as const) {
      await admin`
        insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content, applied_revision,
          applied_generation, applied_hash, applied_content, applied_at)
        values (${tenantId}, ${id}, 1, 1, sha256('\\x01'), '\\x01', 1, 1, sha256(${applied}), ${applied}, now())`;
    }
    const rollouts = async () =>
      (await read(seeded)).filter(({ type }) => type === 'rollout.completed').map(({ revision }) => revision);
    const desire = (revision: number) => async (sql: SqlExecutor) => {
      // Each edge by itself, as the distribution does it: half of a revision is none.
      for (const id of [edgeId, second]) {
        await sql`update edge_bundles set revision = ${revision} where tenant_id = ${tenantId} and edge_id = ${id}`;
      }
    };
    // One edge is behind.
    await within(desire(2));
    expect(await rollouts()).toEqual([]);
    // It is not of the fabric any more.
    await within((sql) => sql`delete from edge_bundles where tenant_id = ${tenantId} and edge_id = ${behind}`);
    expect(await rollouts()).toEqual([2]);
    await within(desire(3));
    await within(desire(3));
    expect(await rollouts()).toEqual([2, 3]);
  });

  it('tells of no rollout where no edge has ever run a bundle', async () => {
    await admin`delete from edge_bundles where tenant_id = ${tenantId} and applied_hash is not null`;
    await admin`update edge_bundles set revision = 9 where tenant_id = ${tenantId}`;
    expect((await read(seeded)).map(({ type }) => type)).toEqual([]);
  });

  it('tells of each change of the draft once, by whom and of what, and of what is no change not at all', async () => {
    const changing = (work: (sql: SqlExecutor) => Promise<unknown>) =>
      database.within(tenantScope(tenantId, 'ada'), () => database.transaction(work));
    const site = randomUUID();
    await changing(async (sql) => {
      await sql`insert into sites (tenant_id, id, name, description) values (${tenantId}, ${site}, 'new', '')`;
      await sql`insert into networks (tenant_id, id, site_id, name, prefix)
        values (${tenantId}, ${randomUUID()}, ${site}, 'lan', '10.77.0.0/16')`;
    });
    await changing((sql) => sql`update sites set description = 'not in the intent' where id = ${site}`);
    await changing((sql) => sql`delete from networks where tenant_id = ${tenantId} and site_id = ${site}`);
    await changing(
      (sql) => sql`insert into groups (tenant_id, id, name) values (${tenantId}, ${randomUUID()}, 'branches')`,
    );
    const service = randomUUID();
    await changing((sql) => sql`insert into services (tenant_id, id, name) values (${tenantId}, ${service}, 'https')`);
    await changing(
      (sql) => sql`
        insert into service_protocols (tenant_id, service_id, position, protocol, ports)
        values (${tenantId}, ${service}, 0, 'tcp', '{"[443,444)"}')`,
    );
    const profile = randomUUID();
    await changing(
      (sql) => sql`
        insert into profiles (id, tenant_id, name, esp_encryption, esp_key_bits, replay_window, ike_encryption, ike_key_bits,
          ike_prf, ike_key_exchange, child_key_exchange, ike_lifetime_seconds, child_lifetime_seconds)
        values (${profile}, ${tenantId}, 'short', 'aes-gcm-16', 128, 64, 'aes-gcm-16', 128, 'hmac-sha2-256', '{19}', '{}', 60, 60)`,
    );
    await changing((sql) => sql`update profiles set description = 'not in the intent' where id = ${profile}`);
    await changing((sql) => sql`update profiles set replay_window = 128 where id = ${profile}`);
    await changing((sql) => sql`update edges set updated_at = now() where id = ${edgeId}`);
    await changing((sql) => sql`update edges set other_underlay_addresses = '{198.51.100.77}' where id = ${edgeId}`);
    await changing((sql) => sql`update tenants set keying_mode = 'ike-less' where id = ${tenantId}`);
    await changing((sql) => sql`update tenants set default_profile_id = ${profile} where id = ${tenantId}`);
    await changing(async (sql) => {
      await sql`delete from topologies where tenant_id = ${tenantId}`;
      await sql`insert into topologies (tenant_id, kind) values (${tenantId}, 'custom_links')`;
      await sql`insert into topology_members (tenant_id, topology, position, kind, site_id)
        values (${tenantId}, 'custom_links', 0, 'relay', ${site})`;
    });
    await changing((sql) => sql`delete from topology_members where tenant_id = ${tenantId}`);
    const takenBack = changing(async (sql) => {
      await sql`delete from sites where id = ${site}`;
      await sql`set constraints all immediate`;
      throw new Error('taken back');
    });
    await expect(takenBack).rejects.toThrow('taken back');
    const changes = (await read(seeded)).filter(({ type }) => type === 'draft.changed');
    expect(changes.map(({ type, actor, cause }) => [type, actor, cause])).toEqual([
      ['draft.changed', 'ada', 'site'],
      ['draft.changed', 'ada', 'network'],
      ['draft.changed', 'ada', 'group'],
      ['draft.changed', 'ada', 'service'],
      ['draft.changed', 'ada', 'service'],
      ['draft.changed', 'ada', 'profile'],
      ['draft.changed', 'ada', 'profile'],
      ['draft.changed', 'ada', 'edge'],
      ['draft.changed', 'ada', 'fabric'],
      ['draft.changed', 'ada', 'fabric'],
      ['draft.changed', 'ada', 'fabric'],
      ['draft.changed', 'ada', 'fabric'],
    ]);
  });

  it('of another tenant is not seen, nor held up', async () => {
    const [ours, strangers] = [tenantId, randomUUID()];
    const holder = await begun(async (sql) => {
      await tell(sql, 'holds the journal');
      await sql`set constraints all immediate`;
    });
    await seedTenant(admin, strangers);
    tenantId = strangers;
    const types = (await read(0n)).map(({ type }) => type);
    expect(types.filter((type) => type !== 'draft.changed')).toEqual([
      'revision.published',
      'draft.approved',
      'authority.expiring',
    ]);
    await database.within(tenantScope(ours), () =>
      database.transaction(async (sql) => expect(await repository.list(sql, strangers, 0n, 10)).toEqual([])),
    );
    await holder.rollBack();
    const journals = await database.within(installationScope('event streams'), () =>
      database.transaction((sql) => repository.journals(sql, [ours, strangers, randomUUID()])),
    );
    expect(new Set(journals.map((journal) => journal.journal)).size).toBe(2);
  });
});

describe('who may be somebody else now', () => {
  it('is announced, and nobody else', async () => {
    const heard: string[] = [];
    await database.listen('weft_access', (payload) => heard.push(payload));
    const account = async (change: (userId: string, secretHash: Buffer, token: string) => Promise<unknown>) => {
      const { userId, secretHash, apiTokenId } = await seedTenant(admin, randomUUID());
      await change(userId, secretHash, apiTokenId);
      return userId;
    };
    await account((userId) => admin`update users set password_hash = '$argon2id$other' where id = ${userId}`);
    await account(
      (_userId, _secretHash, token) => admin`update api_tokens set last_used_at = now() where id = ${token}`,
    );
    const concerned = [
      await account((userId) => admin`update users set role = 'admin' where id = ${userId}`),
      await account((_userId, secretHash) => admin`delete from http_sessions where secret_hash = ${secretHash}`),
      await account((_userId, _secretHash, token) => admin`delete from api_tokens where id = ${token}`),
    ];
    const mark = randomBytes(8).toString('hex');
    await admin`select pg_notify('weft_access', ${mark})`;
    await eventually(() => expect(heard).toContain(mark));
    expect(heard).toEqual([...concerned, mark]);
  });
});
