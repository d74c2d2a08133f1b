import type { Approval, AuditLog, Draft, Policy, PublishResult, Revision } from '@weft/contracts/rest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeBreakGlassLogin } from '../../src/modules/break-glass/break-glass-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { Api, cookieOf, logIn, makeTopology, problemOf, rule } from './support/api.js';
import { makeToken, Person } from './support/people.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let api: Api;
let made: Awaited<ReturnType<typeof makeTopology>>;
/** Who changes the draft, and who else there is. */
let author: Person;
let publisher: Person;
let approver: Person;
let sites = 0;
beforeAll(async () => {
  directory = await temporaryDirectory('approvals');
  api = await Api.start({ WEFT_DATA_DIR: directory.path });
  made = await makeTopology(api);
  await api.make('/policies', { name: 'all', rules: [rule('all', made.berlin.id, made.tokyo.id)] });
  author = await Person.make(api, api.tenantId, { name: 'author', role: 'approver' });
  publisher = await Person.make(api, api.tenantId, { name: 'publisher', role: 'approver' });
  approver = await Person.make(api, api.tenantId, { name: 'second person', role: 'approver' });
  await api.make('/revisions', {});
  expect((await api.send('PATCH', '', { approvalRequired: true })).status).toBe(200);
});
afterAll(async () => {
  await api?.stop();
  await directory?.remove();
});

const draftOf = async (person: Person = author) =>
  (await (await person.fetch('GET', api.path('/revisions/draft'))).json()) as Draft;
const send = (person: Person, path: string, body: object, ifMatch?: string) =>
  fetch(`${person.url}${api.path(path)}`, {
    method: 'POST',
    headers: {
      cookie: person.cookie,
      'content-type': 'application/json',
      ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
    },
    body: JSON.stringify(body),
  });
const approve = async (person: Person, body: object = {}, version?: string) =>
  send(person, '/revisions/draft/approvals', body, version ?? (await draftOf()).version);
const approved = async (person: Person, body: object = {}) => {
  const answer = await approve(person, body);
  expect([answer.status, await answer.clone().text()]).toEqual([201, expect.anything()]);
  return (await answer.json()) as Approval;
};
const publish = (person: Person, body: object = {}, version?: string) => send(person, '/revisions', body, version);
const published = async (person: Person, body: object = {}, version?: string) => {
  const answer = await publish(person, body, version);
  expect([answer.status, await answer.clone().text()]).toEqual([200, expect.anything()]);
  return (await answer.json()) as PublishResult;
};
const change = async (person: Person = author) => {
  sites += 1;
  const answer = await person.fetch('POST', api.path('/sites'), { name: `site ${sites}` });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
};
const codeOf = async (answer: Response) => (await problemOf(answer)).type.replace('urn:weft:problem:', '');
const audited = async (action: string) => {
  const { items } = (await (await api.fetch(api.path('/audit-entries?limit=200'))).json()) as AuditLog;
  return items.filter((entry) => entry.action === action);
};
const events = (type: string) => api.controller.sql<
  { type: string; actor: string | null; cause: string | null; detail: string | null; revision: number | null }[]
>`select type, actor, cause, detail, revision from fabric_events
  where tenant_id = ${api.tenantId} and type = ${type} order by sequence`;
const settings = (approvalRequired: boolean) => api.send('PATCH', '', { approvalRequired });

/** Each test has a draft of the author alone. */
beforeEach(async () => {
  await settings(false);
  expect([200, 409]).toContain((await api.send('POST', '/revisions', {})).status);
  await settings(true);
  await change();
});

describe('a draft of a tenant that wants a second person', () => {
  it('comes into force by one who has not made it and another who publishes it, and both are on record', async () => {
    expect(await draftOf()).toMatchObject({ approvalRequired: true, changedBy: ['author'], approvals: [] });
    expect(await codeOf(await publish(author))).toBe('approval_required');
    const approval = await approved(approver, { comment: 'looked at it' });
    expect(approval).toMatchObject({ approver: 'second person', comment: 'looked at it', failedProof: false });
    expect((await draftOf()).approvals).toEqual([approval]);
    const { revision } = await published(author, { comment: 'by two' });
    expect(revision).toMatchObject({
      author: 'author',
      approvedBy: 'second person',
      approvedAt: approval.approvedAt,
      approvalWaived: null,
    });
    expect(await draftOf()).toMatchObject({ changed: false, changedBy: [], approvals: [] });
    expect((await audited('draft_approved'))[0]).toMatchObject({
      actor: 'second person',
      details: { approvalId: approval.id, comment: 'looked at it', failedProof: false },
    });
    expect((await audited('revision_published'))[0]).toMatchObject({
      actor: 'author',
      details: { revision: revision?.number, approvedBy: 'second person', approvedAt: approval.approvedAt },
    });
    expect((await events('draft.approved')).at(-1)).toMatchObject({ actor: 'second person', detail: 'looked at it' });
  });

  it('is not approved by its author, nor published by who approves it', async () => {
    const own = await approve(author);
    expect([own.status, await codeOf(own)]).toEqual([403, 'own_change']);
    await approved(approver);
    const both = await problemOf(await publish(approver));
    expect(both).toMatchObject({ status: 409, type: 'urn:weft:problem:approval_required' });
    expect(both.detail).toContain('You have approved it yourself');
    // Somebody else's beside the own one will do.
    await approved(publisher);
    expect((await published(approver)).revision).toMatchObject({ author: 'second person', approvedBy: 'publisher' });
  });

  it('is taken back by who has approved it, by nobody else, and not when something has come of it', async () => {
    const withdraw = (person: Person, id: string) =>
      person.fetch('DELETE', api.path(`/revisions/draft/approvals/${id}`));
    const approval = await approved(approver);
    expect(await codeOf(await withdraw(publisher, approval.id))).toBe('others_approval');
    expect((await draftOf()).approvals).toHaveLength(1);
    expect((await withdraw(approver, approval.id)).status).toBe(204);
    expect((await draftOf()).approvals).toEqual([]);
    expect(await codeOf(await publish(author))).toBe('approval_required');
    expect(await codeOf(await withdraw(approver, approval.id))).toBe('unknown_approval');
    expect((await audited('approval_withdrawn'))[0]).toMatchObject({
      actor: 'second person',
      details: { approvalId: approval.id },
    });
    expect((await events('draft.approval_voided')).at(-1)).toMatchObject({
      actor: 'second person',
      cause: 'withdrawn',
      detail: 'second person',
    });
    // They may look again, and say yes after all.
    const again = await approved(approver);
    expect((await published(author)).revision).toMatchObject({ approvedAt: again.approvedAt });
    expect(await codeOf(await withdraw(approver, again.id))).toBe('unknown_approval');
  });

  it('is published by the approval or not at all, when that is taken back at the same moment', async () => {
    const approval = await approved(approver);
    const [answer, withdrawn] = await Promise.all([
      publish(author),
      approver.fetch('DELETE', api.path(`/revisions/draft/approvals/${approval.id}`)),
    ]);
    expect([
      [200, 404],
      [409, 204],
    ]).toContainEqual([answer.status, withdrawn.status]);
  });

  it('is approved once by each, whoever asks at the same time', async () => {
    const { version } = await draftOf();
    const answers = await Promise.all([
      approve(approver, {}, version),
      approve(approver, {}, version),
      approve(publisher, {}, version),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409]);
    expect((await draftOf()).approvals.map((each) => each.approver).sort()).toEqual(['publisher', 'second person']);
    expect(await codeOf(await approve(approver, {}, version))).toBe('already_approved');
  });

  it('loses the approval when packets are not to be encrypted any more, or need not be', async () => {
    for (const body of [{ securityProtocol: 'ah' }, { securityProtocol: 'esp' }]) {
      await approved(approver);
      expect((await api.send('PATCH', '', body)).status).toBe(200);
      expect((await draftOf()).approvals).toEqual([]);
    }
    const policy = await api.make<Policy>('/policies', { name: 'secret', confidential: true, rules: [] });
    await approved(approver);
    const relaxed = { name: 'secret', confidential: false, rules: [] };
    expect((await api.send('PUT', `/policies/${policy.id}`, relaxed, { 'if-match': '*' })).status).toBe(200);
    expect((await draftOf()).approvals).toEqual([]);
    expect((await api.fetch(api.path(`/policies/${policy.id}`), { method: 'DELETE' })).status).toBe(204);
  });

  it('loses the approval when the mode of packets between edges changes', async () => {
    await approved(approver);
    expect((await api.send('PATCH', '', { mode: 'transport' })).status).toBe(200);
    expect((await draftOf()).approvals).toEqual([]);
    expect((await api.send('PATCH', '', { mode: 'tunnel' })).status).toBe(200);
    expect((await draftOf()).approvals).toEqual([]);
  });

  it('loses the approval with any change, and does not get it back with the same content', async () => {
    const { version } = await draftOf();
    await approved(approver);
    const id = await change(publisher);
    expect(await codeOf(await publish(author))).toBe('approval_required');
    expect(await codeOf(await publish(author, {}, version))).toBe('draft_changed');
    expect((await author.fetch('DELETE', api.path(`/sites/${id}`))).status).toBe(204);
    const same = await draftOf();
    expect(same).toMatchObject({ version, approvals: [], changedBy: ['author', 'publisher'] });
    expect(await codeOf(await publish(author, {}, version))).toBe('approval_required');
    expect((await events('draft.approval_voided')).at(-1)).toMatchObject({
      actor: 'publisher',
      cause: 'draft_changed',
      detail: 'second person',
    });
    await approved(approver);
    await published(publisher, {}, version);
  });

  it('keeps the approval when something changes that is no part of it', async () => {
    await approved(approver);
    const described = await author.fetch('PATCH', api.path(`/sites/${made.berlin.id}`), { description: 'the capital' });
    expect(described.status).toBe(200);
    await published(publisher);
  });

  it('is approved as it was seen, or not at all', async () => {
    const { version } = await draftOf();
    await change();
    expect(await codeOf(await approve(approver, {}, version))).toBe('draft_changed');
    expect(await codeOf(await send(approver, '/revisions/draft/approvals', {}))).toBe('if_match_required');
  });

  it('is in force once, as it was approved or not at all, whoever changes it at the same time', async () => {
    const { version } = await draftOf();
    await approved(approver);
    const before = await newest();
    const [one, other, changed] = await Promise.all([
      publish(author, {}, version),
      publish(publisher, {}, version),
      change(author),
    ]);
    const won = [one, other].filter(({ status }) => status === 200);
    for (const answer of [one, other]) {
      if (answer.status !== 200) expect([409, 412]).toContain(answer.status);
    }
    expect(won.length).toBeLessThanOrEqual(1);
    const after = await newest();
    expect(after.number - before.number).toBe(won.length);
    const [{ intent } = { intent: '' }] = await api.controller.sql<{ intent: string }[]>`
      select intent::text from revisions where tenant_id = ${api.tenantId} and number = ${after.number}`;
    expect(intent).not.toContain(changed);
    // Whoever changed it is its author, before and after.
    const draft = await draftOf();
    expect(draft).toMatchObject({ changed: true, changedBy: ['author'], approvals: [] });
  });

  it('needs an approval of the failed proof, too, where one is overridden', async () => {
    const test = {
      name: `test ${sites}`,
      sources: [{ kind: 'site', siteId: made.berlin.id }],
      destinations: [{ kind: 'site', siteId: made.tokyo.id }],
      services: [{ protocol: 'any', ports: [] }],
      expect: 'denied',
    };
    const answer = await author.fetch('POST', api.path('/policy-tests'), test);
    const { id } = (await answer.json()) as { id: string };
    const { version } = await draftOf();
    expect(await codeOf(await approve(approver))).toBe('proof_failed');
    const override = { override: { reason: 'The test goes with the next change.' } };
    expect(await codeOf(await publish(author, override, version))).toBe('approval_required');
    expect(await approved(approver, { failedProof: true })).toMatchObject({ failedProof: true });
    const { revision } = await published(author, override, version);
    expect(revision).toMatchObject({ overrideReason: override.override.reason, approvedBy: 'second person' });
    expect((await events('draft.approved')).at(-1)).toMatchObject({ cause: 'failed_proof' });
    expect((await author.fetch('DELETE', api.path(`/policy-tests/${id}`))).status).toBe(204);
  });

  it('is not approved by a token, and a token does not change the rule', async () => {
    const { token } = await makeToken(api, api.tenantId, { name: `of a program ${sites}`, role: 'admin' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = `${api.controller.url}${api.path('')}`;
    const { version } = await draftOf();
    const tried = await fetch(`${url}/revisions/draft/approvals`, {
      method: 'POST',
      headers: { ...headers, 'if-match': `"${version}"` },
      body: '{}',
    });
    expect(await codeOf(tried)).toBe('session_required');
    const off = await fetch(url, { method: 'PATCH', headers, body: '{"approvalRequired":false}' });
    expect(await codeOf(off)).toBe('approval_rule_in_person');
  });

  it('loses the approval with the role of who gave it', async () => {
    const leaving = await Person.make(api, api.tenantId, { name: `leaving ${sites}`, role: 'approver' });
    await approved(leaving);
    const demoted = await api.send('PATCH', `/users/${leaving.id}`, { role: 'viewer' });
    expect(demoted.status).toBe(200);
    expect((await draftOf()).approvals).toEqual([]);
    expect(await codeOf(await publish(author))).toBe('approval_required');
    expect((await events('draft.approval_voided')).at(-1)).toMatchObject({ actor: 'admin', cause: 'approver_changed' });
  });

  it('is published by who breaks the glass, without an approval, and everybody hears of it', async () => {
    const { password } = await makeBreakGlassLogin({ dataDirectory: directory.path }, new Date());
    const cookie = cookieOf(await logIn(api.controller.url, 'break-glass', password));
    const rescuer = { url: api.controller.url, cookie } as Person;
    const { version } = await draftOf();
    expect(await codeOf(await send(rescuer, '/revisions/draft/approvals', {}, version))).toBe('break_glass_session');
    const { revision } = await published(rescuer, { comment: 'at night' });
    expect(revision).toMatchObject({ author: 'break-glass', approvedBy: null, approvalWaived: 'break_glass' });
    expect((await audited('approval_waived'))[0]).toMatchObject({
      actor: 'break-glass',
      details: { revision: revision?.number, reason: 'break_glass' },
    });
    expect((await events('revision.published')).at(-1)).toMatchObject({ cause: 'approval_waived' });
    const warned = api.controller.log.filter(({ component, level }) => component === 'publication' && level === 'warn');
    expect(warned).toMatchObject([{ revision: revision?.number, author: 'break-glass' }]);
  });
});

describe('an earlier revision', () => {
  it('comes back by two, and the approval of a draft is none of it', async () => {
    const { version } = await draftOf();
    await approved(approver);
    const back = (person: Person) => send(person, '/revisions/1/restoration', {}, version);
    expect(await codeOf(await back(publisher))).toBe('approval_required');
    // Whoever has changed the draft may approve that it is lost.
    const approval = await approve(author, { restoredFrom: 1 });
    expect(await approval.json()).toMatchObject({ approver: 'author', restoredFrom: 1 });
    expect(await codeOf(await back(author))).toBe('approval_required');
    const answer = await back(publisher);
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as PublishResult).revision).toMatchObject({ restoredFrom: 1, approvedBy: 'author' });
    expect(await draftOf()).toMatchObject({ changed: false, changedBy: [], approvals: [] });
    expect(await codeOf(await approve(approver, { restoredFrom: 9999 }))).toBe('unknown_revision');
  });
});

describe('the rule', () => {
  it('is on record when it changes, with who changed it', async () => {
    const before = (await audited('approval_rule_changed')).length;
    await settings(true);
    expect(await audited('approval_rule_changed')).toHaveLength(before);
    await settings(false);
    expect((await audited('approval_rule_changed'))[0]).toMatchObject({
      actor: 'admin',
      details: { approvalRequired: false },
    });
    expect((await events('tenant.approval_rule_changed')).at(-1)).toMatchObject({
      actor: 'admin',
      cause: 'not_required',
    });
    expect((await published(author)).revision).toMatchObject({ approvedBy: null, approvalWaived: null });
  });

  it('waits in a circle with nobody: who changes the draft comes to the journal of events last', async () => {
    const tables = await api.controller.sql<{ table: string; functions: string[] }[]>`
      select tgrelid::regclass::text as table, array_agg(tgfoid::regproc::text order by tgname) as functions
      from pg_trigger where tgdeferrable and not tgisinternal and tgrelid in (
        select tgrelid from pg_trigger where tgfoid = 'record_draft_change'::regproc)
      group by tgrelid`;
    expect(tables.length).toBeGreaterThan(8);
    for (const { table, functions } of tables) {
      const last = functions.lastIndexOf('record_draft_change');
      expect([table, functions.slice(0, last).filter((name) => name.startsWith('append_'))]).toEqual([table, []]);
    }
    expect(tables.find(({ table }) => table === 'tenants')?.functions).toContain('append_approval_rule_event');
  });

  it('is not taken back in the name of another, whoever writes', async () => {
    const { id } = await approved(approver);
    const forged = api.controller.sql`
      update draft_approvals set voided_at = now(), voided_by = 'author', void_cause = 'withdrawn' where id = ${id}`;
    await expect(forged).rejects.toThrow('draft_approvals_withdrawn_by');
  });

  it('has no side door: the tables themselves refuse', async () => {
    const { sql } = api.controller;
    const { number } = await newest();
    /** What is in force once more, which is not what the draft says. */
    const insert = (approvalId: string | null, waived: string | null) =>
      sql`
        insert into revisions (tenant_id, number, author, intent, approval_id, approval_waived)
        select tenant_id, number + 1, 'author', intent, ${approvalId}::uuid, ${waived}::text
        from revisions where tenant_id = ${api.tenantId} and number = ${number}`.execute();
    const refusedBy = (constraint: string) => ({ constraint_name: constraint });
    await expect(insert(null, null)).rejects.toMatchObject(refusedBy('revisions_approval_required'));
    await expect(insert(null, 'break_glass')).rejects.toMatchObject(refusedBy('revisions_approval_waived_by'));
    const { id } = await approved(approver);
    await expect(insert(id, null)).rejects.toMatchObject(refusedBy('revisions_approval'));
    const own = sql`
      insert into draft_approvals (id, tenant_id, approver, comment, base, intent_digest, version, failed_proof)
      select gen_random_uuid(), tenant_id, 'author', '', base, intent_digest, version, false
      from draft_approvals where id = ${id}`;
    await expect(own.execute()).rejects.toMatchObject(refusedBy('draft_approvals_four_eyes'));
    const another = sql`update draft_approvals set approver = 'publisher' where id = ${id}`;
    await expect(another.execute()).rejects.toMatchObject(refusedBy('draft_approvals_immutable'));
    const none = sql`delete from draft_approvals where id = ${id}`;
    await expect(none.execute()).rejects.toMatchObject(refusedBy('draft_approvals_immutable'));
    expect((await newest()).number).toBe(number);
  });
});

async function newest(): Promise<Revision> {
  const { items } = (await (await api.fetch(api.path('/revisions?limit=1'))).json()) as { items: Revision[] };
  return items[0] as Revision;
}
