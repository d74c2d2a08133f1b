import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openApiText } from '../../src/openapi/document.js';
import { openPool } from '../../src/platform/database/connection-options.js';
import { Api, makeTopology, problemOf, rule } from './support/api.js';

let api: Api;
let observer: postgres.Sql;
let edges = 0;
let peers = 0;
let pools = 0;
let ports = 0;
let made: Awaited<ReturnType<typeof makeTopology>>;
beforeAll(async () => {
  api = await Api.start();
  made = await makeTopology(api);
  observer = openPool({ url: api.databaseUrl }, 1) as unknown as postgres.Sql;
});
afterAll(async () => {
  await observer.end();
  await api.stop();
});

interface Write {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const name = () => `n-${randomUUID()}`;
const inTenant = (method: string, rest: string, body?: unknown, headers?: Record<string, string>): Write => ({
  method,
  path: api.path(rest),
  ...(body === undefined ? {} : { body }),
  ...(headers === undefined ? {} : { headers }),
});
const user = () => ({ name: name(), password: 'a password for the tests', role: 'viewer' });
const makeUser = () => api.make('/users', user());
const makeSite = () => api.make('/sites', { name: name() });
/** Of a site of its own, at an address of its own. */
const edge = async () => {
  edges += 1;
  return { siteId: (await makeSite()).id, name: name(), underlayAddress: `198.51.100.${edges}` };
};
const makeEdge = async () => api.make('/edges', await edge());
/** Of a port of its own, so that none takes packets from another. */
const makePolicy = () => {
  ports += 1;
  const services = [{ protocol: 'tcp', ports: [{ first: ports, last: ports }] }];
  return api.make('/policies', {
    name: name(),
    rules: [{ ...rule('r', made.berlin.id, made.tokyo.id), services }],
  });
};
const group = () => ({ name: name(), members: [{ kind: 'site', siteId: made.berlin.id }] });
const profile = () => ({
  name: name(),
  esp: { encryption: 'aes-gcm-16', keyBits: 128 },
  ike: { encryption: 'aes-gcm-16', keyBits: 128, prf: 'hmac-sha2-256', keyExchange: ['ECP-256'] },
  childKeyExchange: [],
});
const service = () => ({ name: name(), services: [{ protocol: 'icmp', ports: [] }] });
/** With networks of its own. */
const externalPeer = () => {
  peers += 1;
  return {
    name: name(),
    siteId: made.berlin.id,
    address: '203.0.113.99',
    identity: 'gw.example',
    localIdentity: 'berlin.example',
    prefixes: [`10.77.${peers}.0/24`],
    preSharedKey: 'a key for the tests of this',
  };
};
/** With a prefix of its own. */
const addressPool = () => {
  pools += 1;
  return { name: name(), siteId: made.berlin.id, prefix: `10.78.${pools}.0/24` };
};
/** Of one gateway. */
const swanctl = () => {
  const { name: connection, address, identity, localIdentity, prefixes, preSharedKey, siteId } = externalPeer();
  const text = `connections { ${connection} {
    local_addrs = ${address}
    proposals = aes256gcm16-prfsha384-x25519
    local { auth = psk
      id = ${identity} }
    remote { auth = psk
      id = ${localIdentity} }
    children { net { local_ts = ${prefixes[0]}
      remote_ts = 0.0.0.0/0
      esp_proposals = aes256gcm16 } } } }
    secrets { ike { secret = "${preSharedKey}" } }`;
  return { siteId, text };
};
/** At an address that no attempt is made to reach, of events that do not happen here. */
const webhook = () => ({ name: name(), url: 'https://192.0.2.1/hook', types: ['edge.storage_failed'] });
const makeWebhook = () => api.make('/webhooks', webhook());
const policyTest = () => ({
  name: name(),
  sources: [{ kind: 'site', siteId: made.berlin.id }],
  destinations: [{ kind: 'site', siteId: made.tokyo.id }],
  services: [{ protocol: 'udp', ports: [{ first: 9, last: 9 }] }],
  expect: 'denied',
});

async function draftTag(): Promise<string> {
  return (await api.fetch(api.path('/revisions/draft'))).headers.get('etag') ?? '';
}

/** For each write of the document a request that succeeds, made when it is its turn. */
const WRITES: Readonly<Record<string, () => Promise<Write>>> = {
  createTenant: async () => ({ method: 'POST', path: '/api/v1/tenants', body: { name: name() } }),
  updateTenant: async () => inTenant('PATCH', '', { keyingMode: 'ike-less' }),
  createUser: async () => inTenant('POST', '/users', user()),
  updateUser: async () => inTenant('PATCH', `/users/${(await makeUser()).id}`, { role: 'approver' }),
  updateMember: async () => inTenant('PATCH', `/members/${(await makeUser()).id}`, { role: 'approver' }),
  removeMember: async () => inTenant('DELETE', `/members/${(await makeUser()).id}`),
  createInvitation: async () => inTenant('POST', '/invitations', { userName: name(), role: 'viewer' }),
  deleteInvitation: async () => {
    const { id } = await api.make('/invitations', { userName: name(), role: 'viewer' });
    return inTenant('DELETE', `/invitations/${id}`);
  },
  deleteUser: async () => inTenant('DELETE', `/users/${(await makeUser()).id}`),
  resetUserTotp: async () => {
    const { id } = await makeUser();
    await observer`insert into totp_factors (user_id, sealed_secret, confirmed_at) values (${id}, ${Buffer.alloc(64)}, now())`;
    return inTenant('DELETE', `/users/${id}/totp`);
  },
  createApiToken: async () => inTenant('POST', '/api-tokens', { name: name(), role: 'viewer' }),
  revokeApiToken: async () => {
    const { id } = await api.make('/api-tokens', { name: name(), role: 'viewer' });
    return inTenant('DELETE', `/api-tokens/${id}`);
  },
  createSite: async () => inTenant('POST', '/sites', { name: name() }),
  updateSite: async () => inTenant('PATCH', `/sites/${(await makeSite()).id}`, { description: 'new' }),
  deleteSite: async () => inTenant('DELETE', `/sites/${(await makeSite()).id}`),
  createNetwork: async () =>
    inTenant('POST', '/networks', { siteId: made.berlin.id, name: name(), prefix: '10.7.0.0/16' }),
  updateNetwork: async () => inTenant('PATCH', `/networks/${made.berlinLan.id}`, { labels: { use: 'office' } }),
  deleteNetwork: async () => {
    const body = { siteId: made.berlin.id, name: name(), prefix: '10.8.0.0/16' };
    return inTenant('DELETE', `/networks/${(await api.make('/networks', body)).id}`);
  },
  createEdge: async () => inTenant('POST', '/edges', await edge()),
  updateEdge: async () => inTenant('PATCH', `/edges/${(await makeEdge()).id}`, { underlayPort: 4600 }),
  deleteEdge: async () => inTenant('DELETE', `/edges/${(await makeEdge()).id}`),
  revokeEdge: async () => inTenant('POST', `/edges/${(await makeEdge()).id}/revocation`, { reason: 'lost' }),
  createEnrollmentToken: async () => inTenant('POST', `/edges/${(await makeEdge()).id}/enrollment-tokens`),
  createExternalPeer: async () => inTenant('POST', '/external-peers', externalPeer()),
  importExternalPeers: async () => inTenant('POST', '/external-peers/import', swanctl()),
  replaceExternalPeer: async () => {
    const { id } = await api.make('/external-peers', externalPeer());
    return inTenant('PUT', `/external-peers/${id}`, externalPeer(), { 'if-match': '"1"' });
  },
  deleteExternalPeer: async () =>
    inTenant('DELETE', `/external-peers/${(await api.make('/external-peers', externalPeer())).id}`),
  createAddressPool: async () => inTenant('POST', '/address-pools', addressPool()),
  replaceAddressPool: async () => {
    const { id } = await api.make('/address-pools', addressPool());
    return inTenant('PUT', `/address-pools/${id}`, addressPool(), { 'if-match': '"1"' });
  },
  deleteAddressPool: async () =>
    inTenant('DELETE', `/address-pools/${(await api.make('/address-pools', addressPool())).id}`),
  replaceTopology: async () =>
    inTenant('PUT', '/topology', { kind: 'hub_and_spoke', hubSiteIds: [made.berlin.id] }, { 'if-match': '*' }),
  createGroup: async () => inTenant('POST', '/groups', group()),
  replaceGroup: async () =>
    inTenant('PUT', `/groups/${(await api.make('/groups', group())).id}`, group(), { 'if-match': '"1"' }),
  deleteGroup: async () => inTenant('DELETE', `/groups/${(await api.make('/groups', group())).id}`),
  createService: async () => inTenant('POST', '/services', service()),
  replaceService: async () =>
    inTenant('PUT', `/services/${(await api.make('/services', service())).id}`, service(), { 'if-match': '"1"' }),
  deleteService: async () => inTenant('DELETE', `/services/${(await api.make('/services', service())).id}`),
  createProfile: async () => inTenant('POST', '/profiles', profile()),
  replaceProfile: async () =>
    inTenant('PUT', `/profiles/${(await api.make('/profiles', profile())).id}`, profile(), { 'if-match': '"1"' }),
  deleteProfile: async () => inTenant('DELETE', `/profiles/${(await api.make('/profiles', profile())).id}`),
  createPolicy: async () => inTenant('POST', '/policies', { name: name(), rules: [] }),
  replacePolicy: async () =>
    inTenant('PUT', `/policies/${(await makePolicy()).id}`, { name: name(), rules: [] }, { 'if-match': '"1"' }),
  deletePolicy: async () => inTenant('DELETE', `/policies/${(await makePolicy()).id}`),
  orderPolicies: async () => {
    await makePolicy();
    const { items } = (await (await api.fetch(api.path('/policies'))).json()) as { items: { id: string }[] };
    return inTenant('PUT', '/policies/order', { policyIds: items.map(({ id }) => id).reverse() }, { 'if-match': '*' });
  },
  createPolicyTest: async () => inTenant('POST', '/policy-tests', policyTest()),
  replacePolicyTest: async () => {
    const { id } = await api.make('/policy-tests', policyTest());
    return inTenant('PUT', `/policy-tests/${id}`, policyTest(), { 'if-match': '"1"' });
  },
  deletePolicyTest: async () =>
    inTenant('DELETE', `/policy-tests/${(await api.make('/policy-tests', policyTest())).id}`),
  importConfiguration: async () => inTenant('POST', '/configuration/import', { version: 1, sites: [{ name: name() }] }),
  createWebhook: async () => inTenant('POST', '/webhooks', webhook()),
  replaceWebhook: async () =>
    inTenant('PUT', `/webhooks/${(await makeWebhook()).id}`, webhook(), { 'if-match': '"1"' }),
  deleteWebhook: async () => inTenant('DELETE', `/webhooks/${(await makeWebhook()).id}`),
  renewWebhookSecret: async () => inTenant('POST', `/webhooks/${(await makeWebhook()).id}/secret`),
  testWebhook: async () => inTenant('POST', `/webhooks/${(await makeWebhook()).id}/test`),
  redeliverWebhook: async () => {
    const { id } = await makeWebhook();
    const delivery = randomUUID();
    await observer`
      insert into webhook_deliveries (id, tenant_id, webhook_id, type, event, status)
      values (${delivery}, ${api.tenantId}, ${id}, 'webhook.test', '{}', 'delivered')`;
    return inTenant('POST', `/webhooks/${id}/deliveries/${delivery}/redeliver`);
  },
  publishRevision: async () => {
    await makePolicy();
    return inTenant('POST', '/revisions', { comment: 'tried first' });
  },
  approveDraft: async () => {
    await makePolicy();
    await api.make('/revisions', {});
    return inTenant('POST', '/revisions/draft/approvals', { comment: 'seen' }, { 'if-match': await draftTag() });
  },
  withdrawApproval: async () => {
    await makePolicy();
    await api.make('/revisions', {});
    const answer = await api.send('POST', '/revisions/draft/approvals', {}, { 'if-match': await draftTag() });
    return inTenant('DELETE', `/revisions/draft/approvals/${((await answer.json()) as { id: string }).id}`);
  },
  restoreRevision: async () => {
    await makePolicy();
    await api.make('/revisions', {});
    return inTenant('POST', '/revisions/1/restoration', {}, { 'if-match': await draftTag() });
  },
};

describe('a write with dryRun', () => {
  it('has a request here, and the parameter in the document, for every write but those about the session', async () => {
    const document = JSON.parse(await openApiText()) as {
      paths: Record<string, Record<string, { operationId: string; parameters?: { name: string }[] }>>;
    };
    const writes = Object.entries(document.paths)
      .filter(([path]) => !path.startsWith('/api/v1/session'))
      .flatMap(([, item]) => Object.entries(item))
      .filter(([method]) => method !== 'get')
      .map(([, operation]) => operation);
    expect(Object.keys(WRITES).sort()).toEqual(writes.map(({ operationId }) => operationId).sort());
    for (const { operationId, parameters = [] } of writes) {
      expect([operationId, parameters.some(({ name }) => name === 'dryRun')]).toEqual([operationId, true]);
    }
  });

  it.each(Object.keys(WRITES))('%s changes nothing and answers what would be', async (operationId) => {
    const write = await (WRITES[operationId] as () => Promise<Write>)();
    const before = await everything();
    const tried = await send(write, '?dryRun=true');
    const triedBody = await tried.text();
    expect([operationId, tried.status, triedBody]).toEqual([
      operationId,
      expect.toSatisfy((status) => status < 300),
      triedBody,
    ]);
    expect(tried.headers.get('weft-dry-run')).toBe('true');
    expect(await everything()).toEqual(before);
    const done = await send(write, '');
    expect(done.status).toBe(tried.status);
    expect(done.headers.get('weft-dry-run')).toBeNull();
    expect(done.headers.get('etag')).toBe(tried.headers.get('etag'));
    expect(shapeOf(parsed(triedBody))).toEqual(shapeOf(parsed(await done.text())));
    expect(await everything()).not.toEqual(before);
  });

  it('is refused as the write would be', async () => {
    const taken = await problemOf(await api.send('POST', '/sites?dryRun=true', { name: 'berlin' }));
    expect(taken).toMatchObject({ status: 409, errors: [{ pointer: '/name', rule: 'name_taken' }] });
    const used = await problemOf(
      await api.fetch(api.path(`/sites/${made.berlin.id}?dryRun=true`), { method: 'DELETE' }),
    );
    expect(used.type).toBe('urn:weft:problem:site_in_use');
  });

  it.each([
    ['dryrun=true', '?dryrun', 'unknown_field'],
    ['dryRun=yes', '?dryRun', 'choice'],
    ['dryRun', '?dryRun', 'choice'],
    ['dryRun=true&dryRun=false', '?dryRun', 'choice'],
    ['colour=red', '?colour', 'unknown_field'],
  ])('does not happen by mistake: ?%s', async (query, pointer, rule) => {
    const before = await everything();
    const problem = await problemOf(await api.send('POST', `/sites?${query}`, { name: 'by mistake' }));
    expect(problem).toMatchObject({ status: 422, errors: [{ pointer, rule }] });
    expect(await everything()).toEqual(before);
  });
});

function send({ method, path, body, headers }: Write, query: string): Promise<Response> {
  return api.fetch(`${path}${query}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/**
 * Every row of every table but what edges should run, which follows what is published, and what comes of attempts to deliver, which are made
 * meanwhile.
 */
async function everything(): Promise<Record<string, unknown>> {
  const tables = await observer<{ name: string }[]>`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'edge_bundles' order by relname`;
  const rows: Record<string, unknown> = {};
  for (const table of tables) {
    const row = observer`to_jsonb(t) - ${table.name === 'webhook_deliveries' ? ATTEMPT_COLUMNS : []}::text[]`;
    rows[table.name] = await observer`select ${row} as row from ${observer(table.name)} t order by (${row})::text`;
  }
  return rows;
}

const ATTEMPT_COLUMNS = ['attempts', 'next_attempt_at', 'last_attempt_at', 'response_status', 'failure'];

function parsed(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text);
}

/** Names and types, without values: of a list that of its items. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field)]));
}
