import { randomUUID } from 'node:crypto';
import type { AddressPool, AuditLog, Configuration, ExternalPeer, Policy, Revision } from '@weft/contracts/rest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnServers } from '../support/on-servers.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TEST_ADMIN_PASSWORD, TestController } from '../support/test-controller.js';
import type { TestPostgres } from '../support/test-postgres.js';
import { cookieOf, logIn, rule } from './support/api.js';

/** As many requests at once as show what two would not. */
const AT_ONCE = 6;
/** How often what writes the same in different ways does so at once. */
const ROUNDS = 12;

describeOnServers('two controllers', (start) => {
  let postgres: TestPostgres;
  let data: Awaited<ReturnType<typeof temporaryDirectory>>;
  const controllers: TestController[] = [];
  let cookie: string;
  let tenantId: string;

  beforeAll(async () => {
    postgres = await start();
    data = await temporaryDirectory('concurrency');
    const options = { databaseUrl: await postgres.createDatabase(), dataDirectory: data.path };
    // One after the other: the second finds the keys of the first.
    const first = await TestController.start(options);
    controllers.push(first, await TestController.start(options));
    const login = await logIn(first.url, 'admin', TEST_ADMIN_PASSWORD);
    cookie = cookieOf(login);
    ({ tenantId } = (await login.json()) as { tenantId: string });
  });
  afterAll(async () => {
    for (const controller of controllers) await controller.stop();
    await postgres.remove();
    await data.remove();
  });

  /** Asks one of the two, by turns. */
  const ask = (turn: number, path: string, init: { method?: string; body?: object; headers?: object } = {}) =>
    fetch(`${controllers[turn % controllers.length]?.url}/api/v1/tenants/${tenantId}${path}`, {
      method: init.method ?? 'GET',
      headers: { cookie, 'content-type': 'application/json', ...init.headers },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
  const read = async <T>(path: string) => (await (await ask(0, path)).json()) as T;
  const make = async <T = { id: string }>(path: string, body: object) => {
    const answer = await ask(0, path, { method: 'POST', body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const atOnce = (request: (turn: number) => Promise<Response>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, turn) => request(turn)));

  it('lose no update: who has seen the same version is told that somebody was faster', async () => {
    const policy = await make<Policy>('/policies', { name: 'contended', rules: [] });
    const answers = await atOnce((turn) =>
      ask(turn, `/policies/${policy.id}`, {
        method: 'PUT',
        body: { name: 'contended', description: `by ${turn}`, rules: [] },
        headers: { 'if-match': '"1"' },
      }),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(AT_ONCE - 1).fill(412)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    const stored = await ask(0, `/policies/${policy.id}`);
    expect(stored.headers.get('etag')).toBe('"2"');
    expect(await stored.json()).toMatchObject({ description: `by ${winner}` });
  });

  /** What is changed field by field, by where it is, and what each of those who have seen the same makes of it. */
  const changes = async (): Promise<readonly (readonly [path: string, change: (turn: number) => object])[]> => {
    const { id: siteId } = await make('/sites', { name: 'contended' });
    const network = await make('/networks', { siteId, name: 'lan', prefix: '10.99.0.0/16' });
    const edge = await make('/edges', { siteId, name: 'contended', underlayAddress: '203.0.113.99' });
    const person = (name: string) => make('/users', { name, password: 'correct horse battery', role: 'viewer' });
    const [user, member] = [await person('user'), await person('member')];
    const role = (turn: number) => ({ role: turn % 2 === 0 ? 'operator' : 'approver' });
    return [
      [`/sites/${siteId}`, (turn) => ({ description: `by ${turn}` })],
      [`/networks/${network.id}`, (turn) => ({ labels: { by: `turn-${turn}` } })],
      [`/edges/${edge.id}`, (turn) => ({ underlayPort: 5000 + turn })],
      [`/users/${user.id}`, role],
      [`/members/${member.id}`, role],
      ['', (turn) => ({ keyingMode: turn % 2 === 0 ? 'ike-less' : 'controller-blind' })],
    ];
  };

  it('lose no update of what is changed field by field', async () => {
    for (const [path, change] of await changes()) {
      const seen = (await ask(0, path)).headers.get('etag') ?? '';
      const answers = await atOnce((turn) =>
        ask(turn, path, { method: 'PATCH', body: change(turn), headers: { 'if-match': seen } }),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect([path, ...statuses]).toEqual([path, 200, ...Array(AT_ONCE - 1).fill(412)]);
      const winner = answers.findIndex(({ status }) => status === 200);
      const stored = await ask(1, path);
      expect(stored.headers.get('etag')).toBe(answers[winner]?.headers.get('etag'));
      expect(await stored.json()).toMatchObject(change(winner));
    }
  });

  it('lose no order of policies', async () => {
    for (const name of ['one', 'two', 'three']) await make('/policies', { name, rules: [] });
    const seen = await ask(0, '/policies/order');
    const { policyIds } = (await seen.json()) as { policyIds: string[] };
    const rotated = (turn: number) => [...policyIds.slice((turn % 2) + 1), ...policyIds.slice(0, (turn % 2) + 1)];
    const headers = { 'if-match': seen.headers.get('etag') };
    const answers = await atOnce((turn) =>
      ask(turn, '/policies/order', { method: 'PUT', body: { policyIds: rotated(turn) }, headers }),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(AT_ONCE - 1).fill(412)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect(await read('/policies/order')).toMatchObject({ policyIds: rotated(winner) });
  });

  it('assign no address twice, and end nothing in a deadlock, whatever is done with hosts and their pool at once', async () => {
    const { id: siteId } = await make('/sites', { name: 'of hosts' });
    const pool = { name: 'hosts', siteId, prefix: '10.77.0.0/24' };
    const { id: addressPoolId } = await make<AddressPool>('/address-pools', pool);
    const host = (name: string) => ({
      name,
      siteId,
      identity: `${name}@corp.example`,
      localIdentity: 'edge.example',
      preSharedKey: 'a key for the tests of this',
      assigned: [{ addressPoolId }],
    });
    const first = await make<ExternalPeer>('/external-peers', host('first'));
    const second = await make<ExternalPeer>('/external-peers', host('second'));
    const document = await read<Configuration>('/configuration/export?format=json');
    const { addressPools, externalPeers = [] } = document;
    const [one, other] = externalPeers;
    const swapped = [
      { ...one, assigned: other?.assigned },
      { ...other, assigned: one?.assigned },
    ];
    const ofAnyVersion = { 'if-match': '*' };
    const writes: readonly ((n: number) => Parameters<typeof ask>[2] & { path: string })[] = [
      (n) => ({ path: '/external-peers', method: 'POST', body: host(`host-${n}`) }),
      (n) => ({
        path: `/address-pools/${addressPoolId}`,
        method: 'PUT',
        body: { ...pool, prefix: `10.77.0.0/${20 + (n % 5)}` },
        headers: ofAnyVersion,
      }),
      () => ({ path: `/external-peers/${first.id}`, method: 'PUT', body: host('first'), headers: ofAnyVersion }),
      (n) => ({
        path: '/configuration/import',
        method: 'POST',
        body: { version: 1, addressPools, externalPeers: n % 2 === 0 ? externalPeers : swapped },
      }),
      () => ({ path: `/external-peers/${second.id}`, method: 'PUT', body: host('second'), headers: ofAnyVersion }),
    ];
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all(
        writes.map((write, turn) => {
          const { path, ...init } = write(round);
          return ask(turn, path, init);
        }),
      );
      for (const answer of answers) expect([200, 201, 409], await answer.clone().text()).toContain(answer.status);
    }
    const { items } = await read<{ items: ExternalPeer[] }>('/external-peers?limit=1000');
    const addresses = items.flatMap(({ assigned = [] }) => assigned.map(({ address }) => address));
    expect(addresses).toHaveLength(ROUNDS + 2);
    expect(new Set(addresses).size).toBe(ROUNDS + 2);
  });

  it('publish a draft once, and say so once in the audit log', async () => {
    const [berlin, tokyo] = [await make('/sites', { name: 'berlin' }), await make('/sites', { name: 'tokyo' })];
    for (const [index, site] of [berlin, tokyo].entries()) {
      await make('/networks', { siteId: site.id, name: 'lan', prefix: `10.${index}.0.0/16` });
      await make('/edges', { siteId: site.id, name: `edge-${index}`, underlayAddress: `203.0.113.${index + 1}` });
    }
    await make('/policies', { name: 'all', rules: [rule('all', berlin.id, tokyo.id)] });
    const tag = (await ask(0, '/revisions/draft')).headers.get('etag') ?? '';
    const answers = await atOnce((turn) =>
      ask(turn, '/revisions', { method: 'POST', body: {}, headers: { 'if-match': tag } }),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    // Most have been overtaken; one may have been overtaken again and again while it looked.
    for (const { status } of answers) expect([200, 409, 412]).toContain(status);
    const { items } = await read<{ items: Revision[] }>('/revisions');
    expect(items.map(({ number }) => number)).toEqual([1]);
    const audit = await read<AuditLog>('/audit-entries');
    expect(audit.items.filter(({ action }) => action === 'revision_published')).toHaveLength(1);
    expect(audit.brokenAt).toBeNull();
  });

  it('carry out once what has one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': `"${randomUUID()}"` };
    const site = () => ({ method: 'POST', body: { name: 'once' }, headers });
    const answers = await atOnce((turn) => ask(turn, '/sites', site()));
    for (const { status } of answers) expect([201, 409]).toContain(status);
    const made = await Promise.all(answers.filter(({ ok }) => ok).map((answer) => answer.text()));
    expect(new Set(made).size).toBe(1);
    const { items } = await read<{ items: { name: string }[] }>('/sites');
    expect(items.filter((item) => item.name === 'once')).toHaveLength(1);
    for (const turn of [0, 1]) {
      const again = await ask(turn, '/sites', site());
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(await again.text()).toBe(made[0]);
    }
  });
});
