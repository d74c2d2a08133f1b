import { randomUUID } from 'node:crypto';
import type { NewWebhook, Webhook, WebhookDelivery } from '@weft/contracts/rest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/patience.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestController } from '../support/test-controller.js';
import { Api, problemOf } from './support/api.js';
import { EventReader } from './support/event-reader.js';
import { makeTenant, Person } from './support/people.js';
import { WebhookReceiver } from './support/webhook-receiver.js';

const ENVIRONMENT = { WEFT_WEBHOOK_NETWORKS: '127.0.0.0/8' };

let api: Api;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let tenantId: string;
let receiver: WebhookReceiver;

beforeAll(async () => {
  directory = await temporaryDirectory('webhooks');
  api = await Api.start({ ...ENVIRONMENT, WEFT_DATA_DIR: directory.path });
});
afterAll(async () => {
  await api?.stop();
  await directory?.remove();
});
beforeEach(async () => {
  tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
  receiver = await WebhookReceiver.start();
});
afterEach(() => receiver.stop());

const path = (rest: string) => `/api/v1/tenants/${tenantId}${rest}`;
const send = (method: string, rest: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.fetch(path(rest), {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
async function answer<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
const make = async (input: Record<string, unknown> = {}) =>
  answer<NewWebhook>(await send('POST', '/webhooks', { name: 'hook', url: `${receiver.url}/hook`, ...input }));
const read = async ({ id }: Webhook) => answer<Webhook>(await send('GET', `/webhooks/${id}`));
const log = async ({ id }: Webhook) =>
  (await answer<{ items: WebhookDelivery[] }>(await send('GET', `/webhooks/${id}/deliveries`))).items;
/** What is to be tried again some day is to be tried again now. */
const hurry = () =>
  api.controller
    .sql`update webhook_deliveries set next_attempt_at = now() where tenant_id = ${tenantId} and failure is not null`;

let number = 0;
/** Something happens at an edge. */
async function happen(detail: string, kind = 'tunnel_down'): Promise<void> {
  number += 1;
  await api.controller.sql`
    insert into edge_events (tenant_id, edge_id, boot_id, number, kind, occurred_at, detail, count)
    values (${tenantId}, ${randomUUID()}, 'boot', ${number}, ${kind}, '2030-01-02T03:04:05.678Z', ${detail}, 7)`;
}

describe('a webhook', () => {
  it('gets what the stream tells, signed, and again with the same id until it has taken it', async () => {
    receiver.next.push(500, 503);
    const webhook = await make();
    const stream = await EventReader.open(`${api.controller.url}${path('/events/stream')}`, { cookie: api.cookie });
    await happen('first');
    const [event] = await stream.take(1);
    stream.close();
    await eventually(async () => {
      await hurry();
      expect(await log(webhook)).toMatchObject([
        { status: 'delivered', attempts: 3, responseStatus: 204, failure: null, nextAttemptAt: null },
      ]);
    });
    const received = await receiver.until(3);
    expect(new Set(received.map(({ id }) => id)).size).toBe(1);
    for (const delivery of received) {
      expect(delivery.isSignedWith(webhook.secret)).toBe(true);
      expect(delivery.isSignedWith(`whsec_${'A'.repeat(43)}=`)).toBe(false);
      expect(delivery.body).toEqual({
        type: 'edge.tunnel_down',
        timestamp: expect.stringMatching(/^20\d\d-.*Z$/),
        data: event?.data,
      });
    }
    expect((await log(webhook))[0]?.id).toBe(received[0]?.id);
  });

  it('gets the types that it wants, while it is enabled, and of its tenant alone', async () => {
    const webhook = await make({ types: ['edge.tunnel_up'] });
    await make({ name: 'asleep', enabled: false });
    const elsewhere = tenantId;
    tenantId = await makeTenant(api, `tenant ${randomUUID()}`);
    await happen('of another tenant', 'tunnel_up');
    tenantId = elsewhere;
    await happen('unwanted');
    await happen('wanted', 'tunnel_up');
    const [delivery] = await receiver.until(1);
    expect(delivery?.body.data['detail']).toBe('wanted');
    await eventually(async () => expect(await log(webhook)).toMatchObject([{ status: 'delivered' }]));
    const rows = await api.controller.sql`select from webhook_deliveries where tenant_id = ${tenantId}`;
    expect(rows).toHaveLength(1);
  });

  it('is tried on request, and gets again what it had, with its own secret or the next one', async () => {
    const webhook = await make();
    const test = await answer<WebhookDelivery>(await send('POST', `/webhooks/${webhook.id}/test`));
    const [first] = await receiver.until(1);
    expect(first).toMatchObject({ id: test.id, body: { type: 'webhook.test', data: {} } });
    await eventually(async () => expect(await log(webhook)).toMatchObject([{ status: 'delivered' }]));
    const renewed = await answer<NewWebhook>(await send('POST', `/webhooks/${webhook.id}/secret?overlapHours=0`));
    const again = await send('POST', `/webhooks/${webhook.id}/deliveries/${test.id}/redeliver`);
    expect([again.status, await answer(again)]).toMatchObject([202, { id: test.id, status: 'pending', attempts: 0 }]);
    const [, second] = await receiver.until(2);
    expect(second?.id).toBe(test.id);
    expect([second?.isSignedWith(webhook.secret), second?.isSignedWith(renewed.secret)]).toEqual([false, true]);
    const unknown = await send('POST', `/webhooks/${webhook.id}/deliveries/${randomUUID()}/redeliver`);
    expect(await problemOf(unknown)).toMatchObject({ status: 404, type: 'urn:weft:problem:unknown_webhook_delivery' });
  });

  it('is signed with the secret that it had, too, until the receiver has had time to change', async () => {
    const webhook = await make();
    expect(webhook.previousSecretUntil).toBeNull();
    const delivered = async (count: number) => {
      await send('POST', `/webhooks/${webhook.id}/test`);
      return (await receiver.until(count))[count - 1];
    };
    const renewed = await answer<NewWebhook>(await send('POST', `/webhooks/${webhook.id}/secret`));
    const hours = (Date.parse(renewed.previousSecretUntil ?? '') - Date.parse(renewed.updatedAt)) / 3_600_000;
    expect(hours).toBe(24);
    const both = await delivered(1);
    expect([both?.isSignedWith(webhook.secret), both?.isSignedWith(renewed.secret)]).toEqual([true, true]);
    const third = await answer<NewWebhook>(await send('POST', `/webhooks/${webhook.id}/secret?overlapHours=168`));
    const two = await delivered(2);
    expect([webhook, renewed, third].map(({ secret }) => two?.isSignedWith(secret))).toEqual([false, true, true]);
    await api.controller.sql`update webhooks set previous_secret_until = now() where id = ${webhook.id}`;
    expect(await read(webhook)).toMatchObject({ previousSecretUntil: null });
    const one = await delivered(3);
    expect([renewed, third].map(({ secret }) => one?.isSignedWith(secret))).toEqual([false, true]);
    for (const wrong of ['-1', '169', '1.5', 'x'])
      expect((await send('POST', `/webhooks/${webhook.id}/secret?overlapHours=${wrong}`)).status).toBe(422);
  });

  it('that never takes anything is disabled, which is an event, and goes on when somebody enables it', async () => {
    receiver.status = 500;
    const webhook = await make();
    const stream = await EventReader.open(`${api.controller.url}${path('/events/stream')}`, { cookie: api.cookie });
    await happen('refused');
    await receiver.until(1);
    await eventually(async () => expect(await log(webhook)).toMatchObject([{ failure: 'status' }]));
    // Ten more attempts later.
    await api.controller.sql`
      update webhook_deliveries set attempts = 11, next_attempt_at = now() where tenant_id = ${tenantId}`;
    const [, disabled] = await stream.take(2);
    stream.close();
    expect(disabled?.data).toMatchObject({ type: 'webhook.disabled', cause: 'attempts_exhausted', detail: 'hook' });
    expect(await log(webhook)).toMatchObject([{ status: 'failed', attempts: 12, responseStatus: 500 }]);
    const now = await read(webhook);
    expect(now).toMatchObject({ enabled: false, disabledCause: 'attempts_exhausted' });
    const { id } = (await log(webhook))[0] ?? {};
    const redeliver = () => send('POST', `/webhooks/${webhook.id}/deliveries/${id}/redeliver`);
    expect(await problemOf(await redeliver())).toMatchObject({
      status: 409,
      type: 'urn:weft:problem:webhook_disabled',
    });
    receiver.status = 204;
    const input = { name: 'hook', url: webhook.url };
    const enabled = await send('PUT', `/webhooks/${webhook.id}`, input, { 'if-match': `"${now.version}"` });
    expect(await answer(enabled)).toMatchObject({ enabled: true, disabledCause: null });
    expect((await redeliver()).status).toBe(202);
    await eventually(async () => expect(await log(webhook)).toMatchObject([{ status: 'delivered' }]));
  });

  it('whose receiver is gone for good is disabled at once; a redirect leads nowhere', async () => {
    receiver.next.push(302, 410);
    const webhook = await make();
    await happen('moved');
    await eventually(async () => {
      await hurry();
      expect(await read(webhook)).toMatchObject({ enabled: false, disabledCause: 'gone' });
    });
    expect(await log(webhook)).toMatchObject([{ status: 'failed', attempts: 2, responseStatus: 410 }]);
    expect(receiver.received).toHaveLength(2);
  });

  it('reaches nothing that only the host of the controller does', async () => {
    const port = new URL(receiver.url).port;
    for (const [name, url] of [
      ['loopback', `http://[::1]:${port}/`],
      ['metadata', 'http://169.254.169.254/latest'],
    ]) {
      const webhook = await make({ name, url });
      await send('POST', `/webhooks/${webhook.id}/test`);
      await eventually(async () =>
        expect(await log(webhook)).toMatchObject([{ failure: 'address_refused', responseStatus: null }]),
      );
    }
    expect(receiver.received).toEqual([]);
  });

  it('is full some day, and says so rather than forget in silence', async () => {
    const webhook = await make({ enabled: false });
    await api.controller.sql`
      insert into webhook_deliveries (tenant_id, webhook_id, type, event, next_attempt_at)
      select ${tenantId}, ${webhook.id}, 'webhook.test', '{}', 'infinity' from generate_series(1, 10000)`;
    await api.controller.sql`update webhooks set enabled = true where id = ${webhook.id}`;
    await eventually(async () =>
      expect(await read(webhook)).toMatchObject({ enabled: false, disabledCause: 'queue_full' }),
    );
    expect(await read(webhook)).toMatchObject({ pending: 10_000 });
  });
});

describe('two controllers of one database', () => {
  it('deliver each event once', async () => {
    const other = await TestController.start({
      databaseUrl: api.databaseUrl,
      dataDirectory: directory.path,
      environment: ENVIRONMENT,
    });
    try {
      const webhooks = await Promise.all(['a', 'b', 'c'].map((name) => make({ name, url: `${receiver.url}/${name}` })));
      for (let event = 0; event < 15; event += 1) await happen(`event ${event}`);
      await receiver.until(45);
      for (const webhook of webhooks) {
        await eventually(async () => expect(await read(webhook)).toMatchObject({ pending: 0 }));
        expect((await log(webhook)).map(({ status, attempts }) => [status, attempts])).toEqual(
          Array.from({ length: 15 }, () => ['delivered', 1]),
        );
      }
      expect(receiver.received).toHaveLength(45);
      expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(45);
    } finally {
      await other.stop();
    }
  });
});

describe('webhooks in the API', () => {
  it('show their secret once, and the audit log never', async () => {
    const { secret, ...made } = await make({ url: `${receiver.url}/hook?key=geheim` });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await read(made)).toEqual(made);
    const renewed = await answer<NewWebhook>(await send('POST', `/webhooks/${made.id}/secret`));
    expect(renewed.secret).not.toBe(secret);
    expect((await send('DELETE', `/webhooks/${made.id}`)).status).toBe(204);
    expect((await send('GET', `/webhooks/${made.id}`)).status).toBe(404);
    const audit = await (await send('GET', '/audit-entries')).text();
    for (const action of ['webhook_created', 'webhook_secret_renewed', 'webhook_removed'])
      expect(audit).toContain(action);
    for (const text of [secret, renewed.secret, 'geheim']) expect(audit).not.toContain(text);
    const [row] = await api.controller.sql`select from webhook_deliveries where webhook_id = ${made.id}`;
    expect(row).toBeUndefined();
  });

  it('are for admins in person, and for those of their tenant', async () => {
    const webhook = await make();
    const approver = await Person.make(api, tenantId, { name: `user-${randomUUID()}`, role: 'approver' });
    expect(await problemOf(await approver.fetch('GET', path('/webhooks')))).toMatchObject({ status: 403 });
    const elsewhere = await makeTenant(api, `tenant ${randomUUID()}`);
    const stranger = await api.fetch(`/api/v1/tenants/${elsewhere}/webhooks/${webhook.id}`);
    expect(await problemOf(stranger)).toMatchObject({ status: 404, type: 'urn:weft:problem:unknown_webhook' });
  });

  it('refuse what is wrong by name', async () => {
    const webhook = await make();
    const refused = async (body: unknown) => {
      const problem = await problemOf(await send('POST', '/webhooks', body));
      return [problem.status, problem.errors[0]?.pointer, problem.errors[0]?.rule];
    };
    const input = { name: 'other', url: 'https://hooks.example/' };
    expect(await refused({ ...input, name: 'hook' })).toEqual([409, '/name', 'name_taken']);
    for (const url of [
      'hooks.example',
      'ftp://hooks.example',
      'https://user:pass@hooks.example',
      'https://hooks.example/#x',
    ]) {
      expect([url, ...(await refused({ ...input, url }))]).toEqual([url, 422, '/url', 'url_format']);
    }
    expect((await refused({ ...input, types: ['party'] }))[1]).toBe('/types/0');
    const rename = (headers: Record<string, string>) => send('PUT', `/webhooks/${webhook.id}`, input, headers);
    expect((await problemOf(await rename({}))).status).toBe(428);
    expect((await problemOf(await rename({ 'if-match': '"7"' }))).type).toBe('urn:weft:problem:webhook_changed');
  });
});
