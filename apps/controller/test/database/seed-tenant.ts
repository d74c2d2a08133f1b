import { randomBytes, randomUUID } from 'node:crypto';
import type { SqlExecutor } from '../../src/platform/database/connection-options.js';

/** What a seeded tenant has, by identifier. */
export interface SeededTenant {
  readonly tenantId: string;
  readonly userId: string;
  readonly userName: string;
  readonly invitationId: string;
  readonly apiTokenId: string;
  readonly apiTokenHash: Buffer;
  readonly siteId: string;
  readonly networkId: string;
  readonly edgeId: string;
  readonly externalPeerId: string;
  readonly addressPoolId: string;
  readonly remoteHostId: string;
  readonly groupId: string;
  readonly serviceId: string;
  readonly profileId: string;
  readonly policyId: string;
  readonly ruleId: string;
  readonly testId: string;
  readonly approvalId: string;
  readonly serial: string;
  readonly tokenHash: Buffer;
  readonly secretHash: Buffer;
  readonly webhookId: string;
}

/** The tables in which a seeded tenant has a row. */
export const SEEDED_TABLES = [
  'address_pools',
  'api_tokens',
  'assigned_addresses',
  'audit_entries',
  'audit_objects',
  'authority_alarms',
  'certificates',
  'credential_changes',
  'deleted_certificates',
  'draft_approvals',
  'draft_editors',
  'edge_bundles',
  'edge_trust',
  'edges',
  'enrollment_tokens',
  'event_journals',
  'external_peers',
  'fabric_events',
  'group_members',
  'groups',
  'http_sessions',
  'idempotency_keys',
  'key_shares',
  'networks',
  'policies',
  'policy_rules',
  'policy_tests',
  'pre_shared_keys',
  'profiles',
  'recovery_codes',
  'revisions',
  'rule_endpoints',
  'rule_named_services',
  'rule_services',
  'service_protocols',
  'services',
  'sites',
  'tenant_invitations',
  'tenant_members',
  'tenants',
  'topologies',
  'topology_members',
  'totp_factors',
  'users',
  'webhook_deliveries',
  'webhooks',
] as const;

/** A tenant with a row in each of SEEDED_TABLES, put there without the API. */
export async function seedTenant(sql: SqlExecutor, tenantId: string): Promise<SeededTenant> {
  const [userId, siteId, networkId, edgeId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const [policyId, ruleId, testId] = [randomUUID(), randomUUID(), randomUUID()];
  const [externalPeerId, commitment] = [randomUUID(), randomBytes(32)];
  const serial = randomBytes(16).toString('hex');
  const [tokenHash, secretHash] = [randomBytes(32), randomBytes(32)];
  const userName = `user-${tenantId}`;
  await sql`insert into tenants (id, name) values (${tenantId}, ${`tenant-${tenantId}`})`;
  await sql`
    insert into users (id, tenant_id, name, password_hash, role)
    values (${userId}, ${tenantId}, ${userName}, '$argon2id$seeded', 'viewer')`;
  const invitationId = randomUUID();
  await sql`
    insert into tenant_invitations (id, tenant_id, tenant_name, user_name, role, invited_by, expires_at)
    values (${invitationId}, ${tenantId}, 'tenant', 'invited', 'viewer', 'seed', now() + interval '1 day')`;
  const [apiTokenId, apiTokenHash] = [randomUUID(), randomBytes(32)];
  await sql`
    insert into api_tokens (id, tenant_id, user_id, user_name, name, role, secret_hash, expires_at)
    values (${apiTokenId}, ${tenantId}, ${userId}, ${userName}, 'token', 'viewer', ${apiTokenHash}, now() + interval '1 day')`;
  await sql`
    insert into http_sessions (secret_hash, user_id, expires_at)
    values (${secretHash}, ${userId}, now() + interval '1 day')`;
  await sql`
    insert into totp_factors (user_id, sealed_secret, confirmed_at) values (${userId}, ${randomBytes(52)}, now())`;
  await sql`insert into recovery_codes (user_id, code_hash) values (${userId}, ${randomBytes(32)})`;
  await sql`
    insert into idempotency_keys (tenant_id, user_id, key_hash, fingerprint)
    values (${tenantId}, ${userId}, ${randomBytes(32)}, ${randomBytes(32)})`;
  await sql`insert into sites (id, tenant_id, name) values (${siteId}, ${tenantId}, 'site')`;
  await sql`
    insert into networks (id, tenant_id, site_id, name, prefix)
    values (${networkId}, ${tenantId}, ${siteId}, 'lan', '10.1.0.0/16')`;
  await sql`
    insert into edges (id, tenant_id, site_id, name, underlay_address, underlay_port)
    values (${edgeId}, ${tenantId}, ${siteId}, 'edge', '192.0.2.1', 4500)`;
  await sql`
    insert into pre_shared_keys (tenant_id, commitment, sealed) values (${tenantId}, ${commitment}, ${randomBytes(80)})`;
  await sql`
    insert into external_peers (id, tenant_id, site_id, name, address, port, identity, local_identity, commitment, prefixes,
      ike_proposals, esp_proposal)
    values (${externalPeerId}, ${tenantId}, ${siteId}, 'partner', '203.0.113.99', 4500, 'gw.example', 'edge.example',
      ${commitment}, '{10.9.0.0/16}', '[{}]', '{}')`;
  const [addressPoolId, remoteHostId] = [randomUUID(), randomUUID()];
  await sql`
    insert into address_pools (id, tenant_id, site_id, name, prefix)
    values (${addressPoolId}, ${tenantId}, ${siteId}, 'pool', '10.99.0.0/24')`;
  await sql`
    insert into external_peers (id, tenant_id, site_id, name, kind, identity, local_identity, commitment, ike_proposals,
      esp_proposal)
    values (${remoteHostId}, ${tenantId}, ${siteId}, 'host', 'remote_host', 'host.example', 'edge.example', ${commitment},
      '[{}]', '{}')`;
  await sql`
    insert into assigned_addresses (tenant_id, external_peer_id, address_pool_id, site_id, prefix, address)
    values (${tenantId}, ${remoteHostId}, ${addressPoolId}, ${siteId}, '10.99.0.0/24', '10.99.0.1')`;
  const groupId = randomUUID();
  await sql`insert into groups (id, tenant_id, name) values (${groupId}, ${tenantId}, 'group')`;
  await sql`
    insert into group_members (tenant_id, group_id, position, kind, site_id)
    values (${tenantId}, ${groupId}, 0, 'site', ${siteId})`;
  const profileId = randomUUID();
  await sql`
    insert into profiles (id, tenant_id, name, esp_encryption, esp_key_bits, replay_window, ike_encryption, ike_key_bits, ike_prf,
      ike_key_exchange, child_key_exchange, ike_lifetime_seconds, child_lifetime_seconds)
    values (${profileId}, ${tenantId}, 'profile', 'aes-gcm-16', 256, 1024, 'aes-gcm-16', 256, 'hmac-sha2-384', '{31,36}', '{}',
      14400, 3600)`;
  const serviceId = randomUUID();
  await sql`insert into services (id, tenant_id, name) values (${serviceId}, ${tenantId}, 'service')`;
  await sql`
    insert into service_protocols (tenant_id, service_id, position, protocol, ports)
    values (${tenantId}, ${serviceId}, 0, 'any', '{}')`;
  await sql`insert into topologies (tenant_id, kind) values (${tenantId}, 'hub_and_spoke')`;
  await sql`
    insert into topology_members (tenant_id, topology, position, kind, site_id)
    values (${tenantId}, 'hub_and_spoke', 0, 'hub', ${siteId})`;
  await sql`
    insert into certificates (serial, tenant_id, edge_id, not_before, not_after)
    values (${serial}, ${tenantId}, ${edgeId}, now(), now() + interval '1 day')`;
  await sql`
    insert into deleted_certificates (serial, tenant_id, not_after)
    values (${randomBytes(16).toString('hex')}, ${tenantId}, now() + interval '1 day')`;
  await sql`
    insert into edge_trust (edge_id, tenant_id, version, certificate_serial) values (${edgeId}, ${tenantId}, 2, ${serial})`;
  await sql`
    insert into enrollment_tokens (token_hash, tenant_id, edge_id, expires_at)
    values (${tokenHash}, ${tenantId}, ${edgeId}, now() + interval '1 hour')`;
  await sql`
    insert into policies (id, tenant_id, name, enabled, position) values (${policyId}, ${tenantId}, 'policy', true, 0)`;
  await sql`
    insert into policy_rules (tenant_id, id, policy_id, position, name, action, enabled)
    values (${tenantId}, ${ruleId}, ${policyId}, 0, 'rule', 'PROTECT', true)`;
  await sql`
    insert into rule_endpoints (tenant_id, rule_id, side, position, kind, site_id)
    values (${tenantId}, ${ruleId}, 'sources', 0, 'site', ${siteId})`;
  await sql`
    insert into rule_services (tenant_id, rule_id, position, protocol, ports)
    values (${tenantId}, ${ruleId}, 0, 'any', '{}')`;
  await sql`
    insert into rule_named_services (tenant_id, rule_id, position, service_id)
    values (${tenantId}, ${ruleId}, 0, ${serviceId})`;
  await sql`
    insert into policy_tests (id, tenant_id, name, sources, destinations, services, expect)
    values (${testId}, ${tenantId}, 'test', '[{"kind":"any"}]', '[{"kind":"any"}]', '[{"protocol":"any","ports":[]}]',
      'denied')`;
  await sql`
    insert into revisions (tenant_id, number, author, intent)
    values (${tenantId}, 1, 'seed', ${JSON.stringify({ tenantId, sites: [], networks: [], edges: [], policies: [] })}::text::jsonb)`;
  await sql`insert into draft_editors (tenant_id, name) values (${tenantId}, 'seed')`;
  const approvalId = randomUUID();
  await sql`
    insert into draft_approvals (id, tenant_id, approver, comment, base, intent_digest, version, failed_proof)
    values (${approvalId}, ${tenantId}, 'second', '', 1, sha256('\\x01'), '1-0', false)`;
  await sql`
    insert into edge_bundles (tenant_id, edge_id, revision, generation, content_hash, content)
    values (${tenantId}, ${edgeId}, 1, 1, sha256('\\x01'), '\\x01')`;
  await sql`
    insert into key_shares (tenant_id, tunnel_id, edge_id, signed_message)
    values (${tenantId}, ${randomUUID()}, ${edgeId}, '\\x01')`;
  const webhookId = randomUUID();
  await sql`
    insert into webhooks (id, tenant_id, name, url, types, enabled, sealed_secret)
    values (${webhookId}, ${tenantId}, 'hook', 'https://hooks.example', '{}', false, ${randomBytes(64)})`;
  await sql`
    insert into webhook_deliveries (tenant_id, webhook_id, type, event) values (${tenantId}, ${webhookId}, 'webhook.test', '{}')`;
  await sql`
    insert into authority_alarms (tenant_id, fingerprint, kind, not_after, raised_at)
    values (${tenantId}, ${randomBytes(32)}, 'root', now() + interval '30 days', now())`;
  await sql`insert into credential_changes (tenant_id, number) values (${tenantId}, 1)`;
  await sql`
    insert into audit_entries (tenant_id, actor, action, details) values (${tenantId}, 'seed', 'seeded', '{"userName": "seed"}')`;
  const account = { userId, userName, invitationId, apiTokenId, apiTokenHash, tokenHash, secretHash };
  return {
    tenantId,
    ...account,
    siteId,
    networkId,
    edgeId,
    externalPeerId,
    addressPoolId,
    remoteHostId,
    groupId,
    serviceId,
    profileId,
    policyId,
    ruleId,
    testId,
    approvalId,
    serial,
    webhookId,
  };
}
