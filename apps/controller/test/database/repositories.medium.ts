import { randomBytes, randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdgeBundlesRepository } from '../../src/distribution/edge-bundles.repository.js';
import { sealedKeys } from '../../src/distribution/pre-shared-keys.js';
import { EnrollmentTokensRepository } from '../../src/enrollment/enrollment-tokens.repository.js';
import { measuredEdges, measuredWebhooks } from '../../src/metrics/metrics.repository.js';
import { AddressPoolsRepository } from '../../src/modules/address-pools/address-pools.repository.js';
import { ApiTokensRepository } from '../../src/modules/api-tokens/api-tokens.repository.js';
import { AuditRepository } from '../../src/modules/audit/audit.repository.js';
import { EdgesRepository } from '../../src/modules/edges/edges.repository.js';
import { FabricEventsRepository } from '../../src/modules/events/fabric-events.repository.js';
import { AssignedAddressesRepository } from '../../src/modules/external-peers/assigned-addresses.repository.js';
import { ExternalPeersRepository } from '../../src/modules/external-peers/external-peers.repository.js';
import type { WrittenExternalPeer } from '../../src/modules/external-peers/stored-external-peer.js';
import { GroupsRepository } from '../../src/modules/groups/groups.repository.js';
import { InvitationsRepository } from '../../src/modules/invitations/invitations.repository.js';
import { MembersRepository } from '../../src/modules/members/members.repository.js';
import { NamedServicesRepository } from '../../src/modules/named-services/named-services.repository.js';
import { NetworksRepository } from '../../src/modules/networks/networks.repository.js';
import { OidcUsersRepository } from '../../src/modules/oidc/oidc-users.repository.js';
import { PoliciesRepository } from '../../src/modules/policies/policies.repository.js';
import { PolicyTestsRepository } from '../../src/modules/policy-tests/policy-tests.repository.js';
import { ProfilesRepository } from '../../src/modules/profiles/profiles.repository.js';
import { intendedProfile, writtenProfile } from '../../src/modules/profiles/stored-profile.js';
import { ApprovalsRepository } from '../../src/modules/revisions/approvals.repository.js';
import { IntentRepository } from '../../src/modules/revisions/intent.repository.js';
import { IntentTables } from '../../src/modules/revisions/intent-tables.js';
import { RevisionsRepository } from '../../src/modules/revisions/revisions.repository.js';
import { SessionsRepository } from '../../src/modules/session/sessions.repository.js';
import { SitesRepository } from '../../src/modules/sites/sites.repository.js';
import { TenantsRepository } from '../../src/modules/tenants/tenants.repository.js';
import { TopologyRepository } from '../../src/modules/topology/topology.repository.js';
import { TotpRepository } from '../../src/modules/totp/totp.repository.js';
import { TunnelsRepository } from '../../src/modules/tunnels/tunnels.repository.js';
import { UsersRepository } from '../../src/modules/users/users.repository.js';
import { WebhookQueue } from '../../src/modules/webhooks/webhook-queue.js';
import { WebhooksRepository } from '../../src/modules/webhooks/webhooks.repository.js';
import { EdgeEventsRepository } from '../../src/observations/edge-events.repository.js';
import { CertificateRegistry } from '../../src/pki/certificate-registry.js';
import { EdgeTrustRepository } from '../../src/pki/edge-trust.repository.js';
import { openPool, type SqlExecutor, type SqlTypes } from '../../src/platform/database/connection-options.js';
import type { Database } from '../../src/platform/database/database.js';
import { tenantScope } from '../../src/platform/database/database-scope.js';
import { describeOnServers } from '../support/on-servers.js';
import { startedDatabase } from '../support/started-database.js';
import type { TestPostgres } from '../support/test-postgres.js';
import { SEEDED_TABLES, type SeededTenant, seedTenant } from './seed-tenant.js';

let server: TestPostgres;
let database: Database;
let admin: postgres.Sql<SqlTypes>;
let ours: SeededTenant;
let theirs: SeededTenant;

/** As a service would call it that was handed the identifiers of another tenant. */
type Crossing = (sql: SqlExecutor, other: SeededTenant) => Promise<unknown>;

describeOnServers('repositories', (start) => {
  beforeAll(async () => {
    server = await start();
    const url = await server.createDatabase();
    database = await startedDatabase(url);
    admin = openPool({ url }, 1);
    ours = await seedTenant(admin, randomUUID());
    theirs = await seedTenant(admin, randomUUID());
  });
  afterAll(async () => {
    await admin?.end();
    await database?.stop();
    await server?.remove();
  });

  describe('whoever works for one tenant reaches nothing of another with', () => {
    it.each(Object.entries(crossings()))('%s', async (_name, cross) => {
      const before = await contentOf(theirs);
      const outcome = await inOurScope((sql) => cross(sql, theirs));
      const told = JSON.stringify(outcome ?? null);
      for (const secret of [
        theirs.siteId,
        theirs.edgeId,
        theirs.policyId,
        theirs.testId,
        theirs.serial,
        theirs.userName,
      ]) {
        expect(told).not.toContain(secret);
      }
      expect(await contentOf(theirs)).toEqual(before);
    });

    it('and the same calls reach what is its own', async () => {
      const own = await inOurScope(async (sql) => [
        (await new SitesRepository().list(sql, ours.tenantId)).length,
        (await new EdgesRepository().list(sql, ours.tenantId)).length,
        (await new PoliciesRepository().list(sql, ours.tenantId)).length,
        (await new RevisionsRepository().newest(sql, ours.tenantId))?.revision.number,
        (await measuredEdges(sql)).length,
      ]);
      expect(own).toEqual([1, 1, 1, 1, 1]);
    });
  });
});

/** What the work resolves with, or 'refused' when the database refused it. What else goes wrong is a mistake of the test. */
async function inOurScope(work: (sql: SqlExecutor) => Promise<unknown>): Promise<unknown> {
  try {
    return await database.within(tenantScope(ours.tenantId), () => database.transaction(work));
  } catch (error) {
    if (error instanceof postgres.PostgresError && isRefusal(error)) return 'refused';
    if (error instanceof Error && error.message === `there is no tenant ${theirs.tenantId}`) return 'refused';
    throw error;
  }
}

/** Nobody becomes a member without an invitation: a trigger says so before the policies are asked. */
function isRefusal({ code, constraint_name }: postgres.PostgresError): boolean {
  return REFUSED.has(code) || constraint_name === 'tenant_members_invitation';
}

async function contentOf({ tenantId }: SeededTenant): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  for (const table of SEEDED_TABLES) {
    const mine =
      table === 'tenants'
        ? 'id = $1'
        : ['http_sessions', 'recovery_codes', 'totp_factors'].includes(table)
          ? 'user_id in (select id from users where tenant_id = $1)'
          : 'tenant_id = $1';
    const rows = await admin.unsafe(`select t::text as row from ${table} t where ${mine} order by 1`, [tenantId]);
    content[table] = rows.map(({ row }) => row);
  }
  return content;
}

function crossings(): Record<string, Crossing> {
  const sites = new SitesRepository();
  const networks = new NetworksRepository();
  const edges = new EdgesRepository();
  const groups = new GroupsRepository();
  const services = new NamedServicesRepository();
  const profiles = new ProfilesRepository();
  const topology = new TopologyRepository();
  const policies = new PoliciesRepository();
  const tests = new PolicyTestsRepository();
  const revisions = new RevisionsRepository();
  const approvals = new ApprovalsRepository();
  const bundles = new EdgeBundlesRepository();
  const tokens = new EnrollmentTokensRepository();
  const sessions = new SessionsRepository();
  const tenants = new TenantsRepository();
  const audit = new AuditRepository();
  const users = new UsersRepository();
  const oidcUsers = new OidcUsersRepository();
  const members = new MembersRepository();
  const invitations = new InvitationsRepository();
  const apiTokens = new ApiTokensRepository();
  const totp = new TotpRepository();
  const factor = { sealedSecret: randomBytes(52), createdAt: new Date(0), confirmedAt: null };
  const actor = {
    id: randomUUID(),
    name: 'crossed',
    tenantId: randomUUID(),
    role: 'admin',
    providerRole: null,
  } as const;
  const events = new EdgeEventsRepository();
  const fabricEvents = new FabricEventsRepository();
  const webhooks = new WebhooksRepository();
  const queue = new WebhookQueue();
  const hook = { name: 'crossed', url: 'https://crossed.example', types: [], enabled: true };
  const externalPeers = new ExternalPeersRepository(new AssignedAddressesRepository());
  const registry = new CertificateRegistry({} as Database);
  const trust = new EdgeTrustRepository();
  const identity = ({ tenantId, edgeId }: SeededTenant) => ({ tenantId, edgeId });
  const group = { name: 'crossed', description: '', members: [] };
  const profile = {
    name: 'crossed',
    description: '',
    esp: { encryption: 'aes-gcm-16' as const, keyBits: 256 as const, replayWindow: 64 },
    ike: {
      encryption: 'aes-gcm-16' as const,
      keyBits: 256 as const,
      prf: 'hmac-sha2-256' as const,
      keyExchange: ['X25519' as const],
    },
    childKeyExchange: [],
    ikeLifetimeSeconds: 60,
    childLifetimeSeconds: 60,
  };
  const service = { name: 'crossed', description: '', services: [{ protocol: 'any' as const, ports: [] }] };
  const policy = { name: 'crossed', description: '', enabled: true, confidential: false, rules: [] };
  const test = {
    name: 'crossed',
    description: '',
    sources: [{ kind: 'any' as const }],
    destinations: [{ kind: 'any' as const }],
    services: [{ protocol: 'any' as const, ports: [] }],
    expect: 'denied' as const,
  };
  const issued = () => ({
    certificate: Buffer.alloc(1),
    chain: [Buffer.alloc(1)],
    authority: Buffer.alloc(32),
    serial: randomBytes(16).toString('hex'),
    notBefore: new Date(0),
    notAfter: new Date(1),
  });
  const noApproval = { approvedAt: '', comment: '', failedProof: false, restoredFrom: null, base: 1, version: '1-0' };
  const emptyIntent = (tenantId: string) => ({ tenantId, sites: [], networks: [], edges: [], policies: [] });
  return {
    'sites.list': (sql, { tenantId }) => sites.list(sql, tenantId),
    'sites.read': (sql, { tenantId, siteId }) => sites.read(sql, tenantId, siteId),
    'sites.lockVersion': (sql, { tenantId, siteId }) => sites.lockVersion(sql, tenantId, siteId),
    'sites.insert': (sql, { tenantId }) => sites.insert(sql, tenantId, randomUUID(), { name: 'crossed' }),
    'sites.update': (sql, { tenantId, siteId }) => sites.update(sql, tenantId, siteId, { name: 'crossed' }),
    'sites.remove': (sql, { tenantId, siteId }) => sites.remove(sql, tenantId, siteId),
    'sites.users': (sql, { tenantId, siteId }) => sites.users(sql, tenantId, siteId),
    'networks.list': (sql, { tenantId }) => networks.list(sql, tenantId),
    'networks.lockVersion': (sql, { tenantId, networkId }) => networks.lockVersion(sql, tenantId, networkId),
    'networks.insert': (sql, { tenantId, siteId }) =>
      networks.insert(sql, tenantId, randomUUID(), { siteId, name: 'crossed', prefix: '10.9.0.0/16' }),
    'networks.insert, in ours at a site of theirs': (sql, { siteId }) =>
      networks.insert(sql, ours.tenantId, randomUUID(), { siteId, name: 'crossed', prefix: '10.9.0.0/16' }),
    'networks.update': (sql, { tenantId, networkId }) => networks.update(sql, tenantId, networkId, { name: 'crossed' }),
    'networks.rewrite': (sql, { tenantId, networkId }) =>
      networks.rewrite(sql, tenantId, networkId, { prefix: '10.9.0.0/16' }),
    'networks.overlapping': (sql, { tenantId }) => networks.overlapping(sql, tenantId, '10.1.0.0/16'),
    'networks.remove': (sql, { tenantId, networkId }) => networks.remove(sql, tenantId, networkId),
    'networks.users': (sql, { tenantId, networkId }) => networks.users(sql, tenantId, networkId),
    'edges.list': (sql, { tenantId }) => edges.list(sql, tenantId),
    'edges.read': (sql, { tenantId, edgeId }) => edges.read(sql, tenantId, edgeId),
    'edges.lockVersion': (sql, { tenantId, edgeId }) => edges.lockVersion(sql, tenantId, edgeId),
    'edges.insert': (sql, { tenantId, siteId }) =>
      edges.insert(sql, tenantId, randomUUID(), {
        siteId,
        name: 'crossed',
        underlayAddress: '192.0.2.9',
        otherUnderlayAddresses: ['192.0.2.10'],
        underlayPort: 4500,
      }),
    'edges.update': (sql, { tenantId, edgeId }) => edges.update(sql, tenantId, edgeId, { name: 'crossed' }),
    'edges.remove': (sql, { tenantId, edgeId }) => edges.remove(sql, tenantId, edgeId),
    'externalPeers.list': (sql, { tenantId }) => externalPeers.list(sql, tenantId),
    'externalPeers.read': (sql, { tenantId, externalPeerId }) => externalPeers.read(sql, tenantId, externalPeerId),
    'externalPeers.lock': (sql, { tenantId, externalPeerId }) => externalPeers.lock(sql, tenantId, externalPeerId),
    'externalPeers.count': async (sql, { tenantId }) => {
      expect(await externalPeers.count(sql, tenantId)).toBe(0);
    },
    'externalPeers.insertKey': (sql, { tenantId }) =>
      externalPeers.insertKey(sql, tenantId, randomBytes(32).toString('hex'), randomBytes(80)),
    'externalPeers.insert': (sql, { tenantId, siteId }) =>
      externalPeers.insert(sql, tenantId, crossedPeer(randomUUID(), siteId)),
    'externalPeers.update': (sql, { tenantId, siteId, externalPeerId }) =>
      externalPeers.update(sql, tenantId, crossedPeer(externalPeerId, siteId)),
    'externalPeers.remove': (sql, { tenantId, externalPeerId }) => externalPeers.remove(sql, tenantId, externalPeerId),
    'externalPeers.users': (sql, { tenantId, externalPeerId }) => externalPeers.users(sql, tenantId, externalPeerId),
    'externalPeers.replaceAll': (sql, { tenantId }) => externalPeers.replaceAll(sql, emptyIntent(tenantId)),
    'preSharedKeys.sealed': async (sql, { tenantId }) => [...(await sealedKeys(sql, tenantId))],
    'groups.list': (sql, { tenantId }) => groups.list(sql, tenantId),
    'groups.read': (sql, { tenantId, groupId }) => groups.read(sql, tenantId, groupId),
    'groups.count': async (sql, { tenantId }) => {
      expect(await groups.count(sql, tenantId)).toBe(0);
    },
    'groups.lockVersion': (sql, { tenantId, groupId }) => groups.lockVersion(sql, tenantId, groupId),
    'groups.insert': (sql, { tenantId }) => groups.insert(sql, tenantId, randomUUID(), group),
    'groups.insert, in ours with a site of theirs': (sql, { siteId }) =>
      groups.insert(sql, ours.tenantId, randomUUID(), { ...group, members: [{ kind: 'site', siteId }] }),
    'groups.update': (sql, { tenantId, groupId }) => groups.update(sql, tenantId, groupId, group),
    'groups.remove': (sql, { tenantId, groupId }) => groups.remove(sql, tenantId, groupId),
    'groups.users': (sql, { tenantId, groupId }) => groups.users(sql, tenantId, groupId),
    'groups.clear': (sql, { tenantId }) => groups.clear(sql, emptyIntent(tenantId)),
    'groups.fill': (sql, { tenantId, groupId }) =>
      groups.fill(sql, { ...emptyIntent(tenantId), groups: [{ id: groupId, name: 'crossed', members: [] }] }),
    'services.list': (sql, { tenantId }) => services.list(sql, tenantId),
    'services.read': (sql, { tenantId, serviceId }) => services.read(sql, tenantId, serviceId),
    'services.count': async (sql, { tenantId }) => {
      expect(await services.count(sql, tenantId)).toBe(0);
    },
    'services.lockVersion': (sql, { tenantId, serviceId }) => services.lockVersion(sql, tenantId, serviceId),
    'services.insert': (sql, { tenantId }) => services.insert(sql, tenantId, randomUUID(), service),
    'services.update': (sql, { tenantId, serviceId }) => services.update(sql, tenantId, serviceId, service),
    'services.remove': (sql, { tenantId, serviceId }) => services.remove(sql, tenantId, serviceId),
    'services.users': (sql, { tenantId, serviceId }) => services.users(sql, tenantId, serviceId),
    'services.replaceAll': (sql, { tenantId, serviceId }) =>
      services.replaceAll(sql, { ...emptyIntent(tenantId), services: [{ ...service, id: serviceId }] }),
    'profiles.list': (sql, { tenantId }) => profiles.list(sql, tenantId),
    'profiles.read': (sql, { tenantId, profileId }) => profiles.read(sql, tenantId, profileId),
    'profiles.count': async (sql, { tenantId }) => {
      expect(await profiles.count(sql, tenantId)).toBe(0);
    },
    'profiles.lockVersion': (sql, { tenantId, profileId }) => profiles.lockVersion(sql, tenantId, profileId),
    'profiles.insert': (sql, { tenantId }) => profiles.insert(sql, tenantId, randomUUID(), profile),
    'profiles.update': (sql, { tenantId, profileId }) => profiles.update(sql, tenantId, profileId, profile),
    'profiles.remove': (sql, { tenantId, profileId }) => profiles.remove(sql, tenantId, profileId),
    'profiles.users': (sql, { tenantId, profileId }) => profiles.users(sql, tenantId, profileId),
    'profiles.replaceAll': (sql, { tenantId, profileId }) =>
      profiles.replaceAll(sql, {
        ...emptyIntent(tenantId),
        profiles: [intendedProfile({ id: profileId, ...writtenProfile(profile) })],
      }),
    'topology.read': (sql, { tenantId }) => topology.read(sql, tenantId),
    'topology.replace': (sql, { tenantId }) => topology.replace(sql, tenantId, { kind: 'full_mesh' }),
    'topology.replace, with one': (sql, { tenantId, siteId }) =>
      topology.replace(sql, tenantId, { kind: 'hub_and_spoke', hubSiteIds: [siteId] }),
    'topology.replace, in ours with a site of theirs': (sql, { siteId }) =>
      topology.replace(sql, ours.tenantId, { kind: 'hub_and_spoke', hubSiteIds: [siteId] }),
    'policies.list': (sql, { tenantId }) => policies.list(sql, tenantId),
    'policies.read': (sql, { tenantId, policyId }) => policies.read(sql, tenantId, policyId),
    'policies.lockVersion': (sql, { tenantId, policyId }) => policies.lockVersion(sql, tenantId, policyId),
    'policies.insert': (sql, { tenantId }) => policies.insert(sql, tenantId, randomUUID(), policy, 7),
    'policies.update': (sql, { tenantId, policyId }) => policies.update(sql, tenantId, policyId, policy),
    'policies.replaceRules': (sql, { tenantId, policyId }) => policies.replaceRules(sql, tenantId, policyId, []),
    'policies.replaceRules, of ours with a service of theirs': (sql, { serviceId }) =>
      policies.replaceRules(sql, ours.tenantId, ours.policyId, [
        {
          id: randomUUID(),
          name: 'crossed',
          action: 'PROTECT',
          enabled: true,
          sources: [{ kind: 'any' }],
          destinations: [{ kind: 'any' }],
          services: [],
          serviceIds: [serviceId],
          profileId: null,
          tunnelStart: null,
        },
      ]),
    'policies.replaceRules, of ours with a profile of theirs': (sql, { profileId }) =>
      policies.replaceRules(sql, ours.tenantId, ours.policyId, [
        {
          id: randomUUID(),
          name: 'crossed',
          action: 'PROTECT',
          enabled: true,
          sources: [{ kind: 'any' }],
          destinations: [{ kind: 'any' }],
          services: [],
          serviceIds: [],
          profileId,
          tunnelStart: null,
        },
      ]),
    'policies.order': (sql, { tenantId }) => policies.order(sql, tenantId),
    'policies.currentOrder': (sql, { tenantId }) => policies.currentOrder(sql, tenantId),
    'policies.reorder': (sql, { tenantId, policyId }) => policies.reorder(sql, tenantId, [randomUUID(), policyId]),
    'policies.remove': (sql, { tenantId, policyId }) => policies.remove(sql, tenantId, policyId),
    'policies.known': async (sql, { tenantId, siteId, networkId, serviceId, profileId }) => [
      ...(await policies.known(sql, tenantId, [siteId, networkId, serviceId, profileId])),
    ],
    'policyTests.list': (sql, { tenantId }) => tests.list(sql, tenantId),
    'policyTests.read': (sql, { tenantId, testId }) => tests.read(sql, tenantId, testId),
    'policyTests.lockVersion': (sql, { tenantId, testId }) => tests.lockVersion(sql, tenantId, testId),
    'policyTests.insert': (sql, { tenantId }) => tests.insert(sql, tenantId, randomUUID(), test),
    'policyTests.update': (sql, { tenantId, testId }) => tests.update(sql, tenantId, testId, test),
    'policyTests.remove': (sql, { tenantId, testId }) => tests.remove(sql, tenantId, testId),
    'revisions.list': async (sql, { tenantId }) => {
      expect(await revisions.list(sql, tenantId, { limit: 100 })).toEqual([]);
    },
    'revisions.newest': async (sql, { tenantId }) => {
      expect(await revisions.newest(sql, tenantId)).toBeUndefined();
    },
    'revisions.read': async (sql, { tenantId }) => {
      expect(await revisions.read(sql, tenantId, 1)).toBeUndefined();
    },
    'revisions.newestNumber': async (sql, { tenantId }) => {
      expect(await revisions.newestNumber(sql, tenantId)).toBe(0);
    },
    'intent.read': (sql, { tenantId }) => new IntentRepository().read(sql, tenantId),
    'intentTables.replace': (sql, { tenantId }) =>
      new IntentTables(
        policies,
        new AddressPoolsRepository(),
        new AssignedAddressesRepository(),
        externalPeers,
        groups,
        services,
        profiles,
        topology,
      ).replace(sql, emptyIntent(tenantId)),
    'tunnels.edgeNames': (sql, { tenantId }) => new TunnelsRepository().edgeNames(sql, tenantId),
    'metrics.measuredEdges': (sql) => measuredEdges(sql),
    'metrics.measuredWebhooks': (sql) => measuredWebhooks(sql),
    'audit.append': (sql, { tenantId }) => audit.append(sql, tenantId, { actor, action: 'edge_revoked', details: {} }),
    'audit.list': async (sql, { tenantId }) => {
      expect(await audit.list(sql, tenantId, { limit: 100 })).toEqual([]);
    },
    'tenants.list': async (sql) => {
      expect((await tenants.list(sql)).map(({ id }) => id)).toEqual([ours.tenantId]);
    },
    'tenants.read': (sql, { tenantId }) => tenants.read(sql, tenantId),
    'tenants.exists': async (sql, { tenantId }) => {
      expect(await tenants.exists(sql, tenantId)).toBe(false);
    },
    'approvals.open': async (sql, { tenantId }) => {
      expect(await approvals.open(sql, tenantId)).toEqual([]);
    },
    'approvals.editors': async (sql, { tenantId }) => {
      expect(await approvals.editors(sql, tenantId)).toEqual([]);
    },
    'approvals.insert': (sql, { tenantId }) => {
      const approval = { id: randomUUID(), approver: 'crossed', comment: '', failedProof: false, restoredFrom: null };
      return approvals.insert(sql, tenantId, { ...approval, base: 1, version: '1-0' }, emptyIntent(tenantId));
    },
    'approvals.withdraw': (sql, { tenantId, approvalId }) =>
      approvals.withdraw(sql, tenantId, { ...noApproval, id: approvalId, approver: 'second' }),
    'approvals.follow': (sql, { tenantId }) => approvals.follow(sql, tenantId, 2, [{ name: 'seed', changes: '1' }]),
    'tenants.insert': (sql) => tenants.insert(sql, randomUUID(), 'crossed'),
    'tenants.update': (sql, { tenantId }) => tenants.update(sql, tenantId, { keyingMode: 'ike-less' }),
    'tenants.update, of ours with a profile of theirs': (sql, { profileId }) =>
      tenants.update(sql, ours.tenantId, { defaultProfileId: profileId }),
    'users.list': (sql, { tenantId }) => users.list(sql, tenantId),
    'users.read': (sql, { tenantId, userId }) => users.read(sql, tenantId, userId),
    'users.lock': (sql, { tenantId, userId }) => users.lock(sql, tenantId, userId),
    'users.insert': (sql, { tenantId }) =>
      users.insert(
        sql,
        tenantId,
        { id: randomUUID(), name: 'crossed', role: 'admin', providerRole: null },
        '$argon2id$crossed',
      ),
    'users.update': (sql, { userId }) =>
      users.update(sql, userId, { role: 'admin', providerRole: null, passwordHash: '$argon2id$crossed' }),
    'users.remove': (sql, { tenantId, userId }) => users.remove(sql, tenantId, userId),
    'members.list': (sql, { tenantId }) => members.list(sql, tenantId),
    'members.read': (sql, { tenantId, userId }) => members.read(sql, tenantId, userId),
    'members.lockAccount': (sql, { userId }) => members.lockAccount(sql, userId),
    'members.changeRole': (sql, { tenantId, userId }) => members.changeRole(sql, tenantId, userId, 'admin'),
    'members.remove': (sql, { tenantId, userId }) => members.remove(sql, tenantId, userId),
    'members.memberships': async (sql, { userId }) => {
      expect(await members.memberships(sql, userId)).toEqual([]);
    },
    'invitations.list': (sql, { tenantId }) => invitations.list(sql, tenantId),
    'invitations.count': async (sql, { tenantId }) => {
      expect(await invitations.count(sql, tenantId)).toBe(0);
    },
    'invitations.insert': (sql, { tenantId }) =>
      invitations.insert(sql, tenantId, {
        id: randomUUID(),
        userName: 'crossed',
        role: 'admin',
        invitedBy: 'crossed',
        lifetimeDays: 1,
      }),
    'invitations.remove': (sql, { tenantId, invitationId }) => invitations.remove(sql, tenantId, invitationId),
    'invitations.join': (sql, { tenantId, userId, userName }) =>
      invitations.join(sql, { tenantId, role: 'viewer' }, { id: userId, name: userName }),
    'tenants.isMember': async (sql, { tenantId, userId }) => {
      expect(await tenants.isMember(sql, tenantId, userId)).toBe(false);
    },
    'oidcUsers.find': async (sql) => {
      expect(await oidcUsers.find(sql, { issuer: 'https://id.example', subject: 'crossed' })).toBeUndefined();
    },
    'oidcUsers.lock': async (sql, { userId }) => {
      expect(await oidcUsers.lock(sql, userId)).toBeUndefined();
    },
    'oidcUsers.insert': (sql, { tenantId }) =>
      oidcUsers.insert(
        sql,
        { id: randomUUID(), homeTenantId: tenantId, name: 'crossed', role: 'admin', providerRole: 'admin', oidc: true },
        { issuer: 'https://id.example', subject: 'crossed' },
      ),
    'oidcUsers.changeProviderRole': (sql, { userId }) => oidcUsers.changeProviderRole(sql, userId, 'admin'),
    'oidcUsers.memberships': async (sql, { userId }) => {
      expect(await oidcUsers.memberships(sql, userId)).toEqual([]);
    },
    'oidcUsers.join': (sql, { tenantId, userId, userName }) =>
      oidcUsers.join(
        sql,
        { id: userId, name: userName, homeTenantId: tenantId, oidc: true },
        { tenantId: ours.tenantId, role: 'admin' },
      ),
    'oidcUsers.changeRole': (sql, { tenantId, userId }) =>
      oidcUsers.changeRole(sql, userId, { tenantId, role: 'admin' }),
    'oidcUsers.leave': (sql, { tenantId, userId }) => oidcUsers.leave(sql, userId, tenantId),
    'oidcUsers.moveHome': (sql, { userId }) =>
      oidcUsers.moveHome(sql, userId, { tenantId: ours.tenantId, role: 'admin' }),
    'oidcUsers.remove': (sql, { userId }) => oidcUsers.remove(sql, userId),
    'oidcUsers.oldestTenant': async (sql) => {
      expect(await oidcUsers.oldestTenant(sql)).toBe(ours.tenantId);
    },
    'apiTokens.list': (sql, { tenantId }) => apiTokens.list(sql, tenantId, null),
    'apiTokens.count': async (sql, { tenantId, userId }) => {
      expect(await apiTokens.count(sql, tenantId, userId)).toBe(0);
    },
    'apiTokens.insert': (sql, { tenantId, userId, userName }) =>
      apiTokens.insert(
        sql,
        { id: randomUUID(), tenantId, userId, userName, name: 'crossed', role: 'admin', lifetimeDays: 1 },
        randomBytes(32),
      ),
    'apiTokens.remove': (sql, { tenantId, apiTokenId }) => apiTokens.remove(sql, tenantId, apiTokenId, null),
    'apiTokens.holder': (sql, { apiTokenHash }) => apiTokens.holder(sql, apiTokenHash, new Date(0)),
    'apiTokens.used': (sql, { apiTokenId }) => apiTokens.used(sql, apiTokenId, new Date(0)),
    'sessions.removeOthers': (sql, { userId }) => sessions.removeOthers(sql, userId, randomBytes(32)),
    'sessions.passwordHash': async (sql, { userId }) => {
      expect(await sessions.passwordHash(sql, userId)).toBeUndefined();
    },
    'sessions.changePassword': (sql, { userId }) =>
      sessions.changePassword(sql, userId, '$argon2id$seeded', '$argon2id$crossed'),
    'sessions.accountByName': (sql, { userName }) => sessions.accountByName(sql, userName),
    'sessions.enter': (sql, { secretHash }) =>
      sessions.enter(sql, secretHash, { tenantId: ours.tenantId, newSecretHash: randomBytes(32) }),
    'sessions.userBySession': (sql, { secretHash }) => sessions.userBySession(sql, secretHash, new Date(0)),
    'sessions.list': (sql, { userId, secretHash }) => sessions.list(sql, userId, secretHash, new Date(0)),
    'sessions.end': (sql, { userId }) => sessions.end(sql, userId, randomUUID()),
    'sessions.removeOldest': (sql, { userId }) => sessions.removeOldest(sql, userId, 0),
    'totp.read': (sql, { userId }) => totp.read(sql, userId),
    'totp.recoveryCodesLeft': async (sql, { userId }) => {
      expect(await totp.recoveryCodesLeft(sql, userId)).toBe(0);
    },
    'totp.enroll': (sql, { userId }) => totp.enroll(sql, userId, randomBytes(52), new Date()),
    'totp.addRecoveryCodes': (sql, { userId }) => totp.addRecoveryCodes(sql, userId, [randomBytes(32)]),
    'totp.takeStep': (sql, { userId }) => totp.takeStep(sql, userId, factor, 1),
    'totp.confirm': (sql, { userId }) => totp.confirm(sql, userId, factor, new Date()),
    'totp.takeRecoveryCode': (sql, { userId }) => totp.takeRecoveryCode(sql, userId, randomBytes(32)),
    'totp.remove': (sql, { userId }) => totp.remove(sql, userId),
    'sessions.remove': (sql, { secretHash }) => sessions.remove(sql, secretHash),
    'bundles.newestSources': async (sql) => {
      expect([...(await bundles.newestSources(sql)).keys()]).toEqual([ours.tenantId]);
    },
    'bundles.newestRevision': async (sql, { tenantId }) => {
      expect(await bundles.newestRevision(sql, tenantId)).toBeUndefined();
    },
    'bundles.tenants': async (sql) => {
      expect(await bundles.tenants(sql)).toEqual([ours.tenantId]);
    },
    'bundles.storeDesired': (sql, other) =>
      bundles.storeDesired(sql, { ...identity(other), revision: 9 }, { octets: Buffer.of(2), hash: SHA256_OF_2 }),
    'bundles.retainOnly': (sql, { tenantId }) => bundles.retainOnly(sql, tenantId, 9, []),
    'bundles.recordRejection': (sql, other) =>
      bundles.recordRejection(sql, identity(other), { hash: SHA256_OF_2, path: '', rule: 'x', reason: 'x' }),
    'bundles.raiseGeneration': (sql, other) => bundles.raiseGeneration(sql, identity(other), 41n),
    'bundles.certificatesInForce': async (sql, { serial }) => [...(await bundles.certificatesInForce(sql, [serial]))],
    'bundles.forgetAgreedRefusals': (sql, { tenantId }) => bundles.forgetAgreedRefusals(sql, tenantId),
    'edgeEvents.store': (sql, other) =>
      events.store(sql, { ...identity(other), bootId: 'crossed' }, [
        { number: 1n, occurredAt: new Date(0), kind: 2, tunnelId: '', cause: '', detail: '' },
      ]),
    'edgeEvents.list': (sql, { tenantId }) => events.list(sql, tenantId, { limit: 200 }),
    'fabricEvents.list': (sql, { tenantId }) => fabricEvents.list(sql, tenantId, 0n, 100),
    'fabricEvents.journals': (sql, { tenantId }) => fabricEvents.journals(sql, [tenantId]),
    'webhooks.list': (sql, { tenantId }) => webhooks.list(sql, tenantId),
    'webhooks.lockVersion': (sql, { tenantId, webhookId }) => webhooks.lockVersion(sql, tenantId, webhookId),
    'webhooks.insert': (sql, { tenantId }) => webhooks.insert(sql, tenantId, randomUUID(), hook, randomBytes(64)),
    'webhooks.update': (sql, { tenantId, webhookId }) => webhooks.update(sql, tenantId, webhookId, hook),
    'webhooks.replaceSecret': (sql, { tenantId, webhookId }) =>
      webhooks.replaceSecret(sql, tenantId, webhookId, randomBytes(64), 24),
    'webhooks.remove': async (sql, { tenantId, webhookId }) => {
      expect(await webhooks.remove(sql, tenantId, webhookId)).toBe(false);
    },
    'webhooks.deliveries': (sql, { tenantId, webhookId }) => webhooks.deliveries(sql, tenantId, webhookId),
    'webhooks.addTest': (sql, { tenantId, webhookId }) => webhooks.addTest(sql, tenantId, webhookId),
    'webhookQueue.claim': (sql) => queue.claim(sql, [], 100, 1),
    'webhookQueue.disable': (sql, { tenantId, webhookId }) => queue.disable(sql, tenantId, webhookId, 'gone'),
    'webhookQueue.full': (sql) => queue.full(sql),
    'tokens.add': (sql, { tenantId, edgeId }) => tokens.add(sql, tenantId, edgeId, randomBytes(32), 60),
    'tokens.claim': (sql, { tokenHash }) => tokens.claim(sql, tokenHash),
    'tokens.state': async (sql, { tokenHash }) => {
      expect(await tokens.state(sql, tokenHash)).toBe('unknown');
    },
    'certificates.recordEnrolled': (sql, other) => registry.recordEnrolled(sql, identity(other), issued()),
    'certificates.recordRenewed': async (sql, other) => {
      const shown = { ...identity(other), serial: other.serial };
      expect(await registry.recordRenewed(sql, shown, () => Promise.reject(new Error('issued')))).toBe('not_valid');
    },
    'edgeTrust.record': (sql, other) =>
      trust.record(sql, identity(other), { version: 9n, certificateSerial: other.serial }),
    'edgeTrust.dependents': (sql) => trust.dependents(sql, Buffer.alloc(32), 2),
    'certificates.revokeEdge': (sql, other) => registry.revokeEdge(sql, identity(other), 'crossed over'),
  };
}

function crossedPeer(id: string, siteId: string): WrittenExternalPeer {
  const commitment = randomBytes(32).toString('hex');
  const place = {
    address: '192.0.2.9',
    port: 4500,
    identity: 'crossed',
    localIdentity: 'crossed',
    prefixes: ['10.9.0.0/16'],
  };
  const espProposal = {
    encryption: 'aes-gcm-16',
    keyBits: 256,
    extendedSequenceNumbers: false,
    keyExchange: undefined,
  } as const;
  const proof = { commitment, certificates: null };
  return { id, siteId, name: 'crossed', description: '', ...place, ...proof, ikeProposals: [], espProposal };
}

/** 42501: a policy; 23503: a reference to what is not there. */
const REFUSED: ReadonlySet<string> = new Set(['42501', '23503']);
const SHA256_OF_2 = Buffer.from('dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986', 'hex');
