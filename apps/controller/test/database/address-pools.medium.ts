import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { applyMigrations } from '../../src/db/apply-migrations.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { AssignedAddressesRepository } from '../../src/modules/external-peers/assigned-addresses.repository.js';
import { openPool, type SqlTypes } from '../../src/platform/database/connection-options.js';
import { describeOnServers } from '../support/on-servers.js';
import type { TestPostgres } from '../support/test-postgres.js';
import { type SeededTenant, seedTenant } from './seed-tenant.js';

type Sql = postgres.Sql<SqlTypes> | postgres.TransactionSql<SqlTypes>;

/** Ends a transaction that is to leave nothing behind. */
const UNDO = new Error('undone');

/** What the tables themselves refuse, whoever writes; a seeded tenant has the pool 10.99.0.0/24 and a host with 10.99.0.1 of it. */
describeOnServers('address pools', (start) => {
  let server: TestPostgres;
  let sql: postgres.Sql<SqlTypes>;
  let ours: SeededTenant;
  let theirs: SeededTenant;
  beforeAll(async () => {
    server = await start();
    sql = openPool({ url: await server.createDatabase() }, 2);
    await applyMigrations(sql, await readMigrations());
  });
  beforeEach(async () => {
    [ours, theirs] = [await seedTenant(sql, randomUUID()), await seedTenant(sql, randomUUID())];
  });
  afterAll(async () => {
    await sql.end();
    await server.remove();
  });

  const pool = (prefix: string, { tenantId, siteId }: SeededTenant = ours, on: Sql = sql) => {
    const id = randomUUID();
    const insert = on`
      insert into address_pools (id, tenant_id, site_id, name, prefix)
      values (${id}, ${tenantId}, ${siteId}, ${`pool-${id}`}, ${prefix}::text::cidr)`;
    return { id, insert };
  };
  const assign = (
    peerId: string,
    poolId: string,
    { prefix, address, siteId = ours.siteId }: { prefix: string; address: string; siteId?: string },
    on: Sql = sql,
  ) => on`
    insert into assigned_addresses (tenant_id, external_peer_id, address_pool_id, site_id, prefix, address)
    values (${ours.tenantId}, ${peerId}, ${poolId}, ${siteId}, ${prefix}::text::cidr, ${address}::text::inet)`;
  const remoteHost = async (on: Sql = sql) => {
    const id = randomUUID();
    await on`
      insert into external_peers (id, tenant_id, site_id, name, kind, identity, local_identity, commitment, ike_proposals,
        esp_proposal)
      select ${id}, tenant_id, site_id, ${`host-${id}`}, kind, identity, local_identity, commitment, ike_proposals,
        esp_proposal
      from external_peers where id = ${ours.remoteHostId}`;
    return id;
  };
  const broken = (constraint: string) => ({ constraint_name: constraint });

  it('of one tenant do not overlap, and those of two may', async () => {
    await expect(pool('10.99.0.128/25').insert).rejects.toMatchObject(broken('address_pools_prefix_overlap'));
    await expect(pool('10.98.0.0/15').insert).rejects.toMatchObject(broken('address_pools_prefix_overlap'));
    await pool('10.98.0.0/16').insert;
    await pool('10.98.0.0/16', theirs).insert;
  });

  it('are of a site of their tenant', async () => {
    const crossing = pool('10.97.0.0/16', { ...ours, siteId: theirs.siteId });
    await expect(crossing.insert).rejects.toMatchObject(broken('address_pools_site_fkey'));
  });

  it('have addresses for hosts, each for one, within the prefix, and one of each IP version for a host', async () => {
    const { id, insert } = pool('2001:db8::/64');
    await insert;
    const host = await remoteHost();
    const place = { prefix: '10.99.0.0/24' };
    const refused = (address: string) => assign(host, ours.addressPoolId, { ...place, address });
    await expect(refused('10.99.0.1')).rejects.toMatchObject(broken('assigned_addresses_address_key'));
    await expect(refused('10.99.1.1')).rejects.toMatchObject(broken('assigned_addresses_in_prefix'));
    await expect(refused('10.99.0.0/25')).rejects.toMatchObject(broken('assigned_addresses_address_host'));
    await expect(
      assign(host, ours.addressPoolId, { prefix: '10.99.0.0/16', address: '10.99.1.1' }),
    ).rejects.toMatchObject(broken('assigned_addresses_address_pool_fkey'));
    await refused('10.99.0.2');
    await assign(host, id, { prefix: '2001:db8::/64', address: '2001:db8::1' });
    const second = pool('10.98.0.0/24');
    await second.insert;
    await expect(assign(host, second.id, { prefix: '10.98.0.0/24', address: '10.98.0.1' })).rejects.toMatchObject(
      broken('assigned_addresses_family'),
    );
  });

  it('have the lowest address that is free, whatever is taken', async () => {
    const repository = new AssignedAddressesRepository();
    const places = fc.tuple(fc.constantFrom('10.77.0.0/28', '2001:db8:77::/124'), fc.uniqueArray(fc.nat(15)));
    await fc.assert(
      fc.asyncProperty(places, async ([prefix, taken]) => {
        const addressOf = (place: number) =>
          prefix.includes(':') ? `2001:db8:77::${place === 0 ? '' : place.toString(16)}` : `10.77.0.${place}`;
        const forHosts = Array.from({ length: 15 }, (_, index) => index).filter(
          (place) => place > 0 && (prefix.includes(':') || place < 15),
        );
        const free = [...forHosts, ...(prefix.includes(':') ? [15] : [])].find((place) => !taken.includes(place));
        const undone = sql.begin(async (transaction) => {
          const { id, insert } = pool(prefix, ours, transaction);
          await insert;
          for (const place of taken) {
            const host = await remoteHost(transaction);
            await assign(host, id, { prefix, address: addressOf(place) }, transaction);
          }
          const found = await repository.lowestFree(transaction as never, ours.tenantId, id);
          expect(found).toBe(free === undefined ? undefined : addressOf(free));
          throw UNDO;
        });
        await expect(undone).rejects.toBe(UNDO);
      }),
      { numRuns: 30 },
    );
  });

  it('have none for gateways, and none for hosts of another site or tenant', async () => {
    const place = { prefix: '10.99.0.0/24', address: '10.99.0.9' };
    const peer = broken('assigned_addresses_external_peer_fkey');
    await expect(assign(ours.externalPeerId, ours.addressPoolId, place)).rejects.toMatchObject(peer);
    await expect(assign(theirs.remoteHostId, ours.addressPoolId, place)).rejects.toMatchObject(peer);
    await expect(assign(ours.remoteHostId, theirs.addressPoolId, place)).rejects.toBeDefined();
    const [site] = await sql<{ id: string }[]>`
      insert into sites (id, tenant_id, name) values (${randomUUID()}, ${ours.tenantId}, 'elsewhere') returning id`;
    const moved = sql`update address_pools set site_id = ${site?.id ?? ''} where id = ${ours.addressPoolId}`;
    await expect(moved).rejects.toMatchObject(peer);
    await expect(sql`update external_peers set site_id = ${site?.id ?? ''} where id = ${ours.remoteHostId}`)
      .rejects //
      .toMatchObject(peer);
  });

  it('grow around the addresses that are assigned, and do not shrink below them', async () => {
    const resize = (prefix: string) => sql`
      update address_pools set prefix = ${prefix}::text::cidr where id = ${ours.addressPoolId} returning version`;
    expect(await resize('10.99.0.0/16')).toMatchObject([{ version: 2 }]);
    expect(await sql`select prefix from assigned_addresses where external_peer_id = ${ours.remoteHostId}`).toEqual([
      { prefix: '10.99.0.0/16' },
    ]);
    await expect(resize('10.99.128.0/17')).rejects.toMatchObject(broken('assigned_addresses_in_prefix'));
  });

  it('are told to nobody as the domains of no name server', async () => {
    const domains = sql`update address_pools set domains = '{corp.example}' where id = ${ours.addressPoolId}`;
    await expect(domains).rejects.toMatchObject(broken('address_pools_domains'));
    const twice = sql`
      update address_pools set name_servers = '{10.1.0.53,10.1.0.53}' where id = ${ours.addressPoolId}`;
    await expect(twice).rejects.toMatchObject(broken('address_pools_name_servers'));
    await sql`
      update address_pools set name_servers = '{10.1.0.53,2001:db8::53}', domains = '{corp.example}'
      where id = ${ours.addressPoolId}`;
  });

  it('and a peer is a gateway or a remote host, whole', async () => {
    const change = (peerId: string, statement: ReturnType<typeof sql>) =>
      expect(sql`update external_peers set ${statement} where id = ${peerId}`).rejects.toMatchObject(
        broken('external_peers_kind'),
      );
    await change(ours.remoteHostId, sql`address = '203.0.113.7'`);
    await change(ours.externalPeerId, sql`prefixes = null`);
    await change(ours.externalPeerId, sql`kind = 'remote_host'`);
    await change(ours.externalPeerId, sql`kind = 'something else'`);
  });

  it('are part of the draft, and told as what they are', async () => {
    const causes = async () =>
      (
        await sql<{ cause: string }[]>`
          select cause from fabric_events where tenant_id = ${ours.tenantId} and type = 'draft.changed' order by sequence`
      ).map(({ cause }) => cause);
    const before = (await causes()).length;
    await sql`update address_pools set description = 'for nobody else to see' where id = ${ours.addressPoolId}`;
    await sql`update address_pools set name_servers = '{10.1.0.53}' where id = ${ours.addressPoolId}`;
    await sql`update assigned_addresses set address = '10.99.0.3' where external_peer_id = ${ours.remoteHostId}`;
    expect((await causes()).slice(before)).toEqual(['address_pool', 'external_peer']);
  });
});
