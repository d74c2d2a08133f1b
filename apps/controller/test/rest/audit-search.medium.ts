import { randomUUID } from 'node:crypto';
import type { AuditEntry, AuditLog } from '@weft/contracts/rest';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, problemOf } from './support/api.js';
import { makeTenant } from './support/people.js';

let api: Api;
let tenantId: string;
const ids = Array.from({ length: 3 }, () => randomUUID());

const ACTORS = ['ada', 'grace', 'hal'] as const;
const ACTIONS = ['edge_revoked', 'user_created', 'revision_published', 'removals_agreed'] as const;
const ENTRIES = 120;

beforeAll(async () => {
  api = await Api.start();
  tenantId = await makeTenant(api, 'searched');
  for (let number = 0; number < ENTRIES; number += 1) {
    const action = ACTIONS[number % ACTIONS.length] ?? 'edge_revoked';
    const details = {
      edge_revoked: { edgeId: ids[number % 3], reason: 'ada' },
      user_created: { userId: ids[(number >> 2) % 3], userName: number % 8 === 1 ? 'ada' : 'new' },
      revision_published: { revision: number % 5, apiToken: { name: 'nightly' } },
      removals_agreed: { revision: number % 5, edgeIds: ids.slice(number % 3) },
    }[action];
    const actor = ACTORS[(number * 7) % 3] ?? 'ada';
    await api.controller.sql`
      insert into audit_entries (tenant_id, actor, action, details)
      values (${tenantId}, ${actor}, ${action}, ${JSON.stringify(details)}::text::jsonb)`;
  }
});
afterAll(() => api.stop());

async function page(query: Readonly<Record<string, string>>): Promise<AuditLog> {
  const response = await api.fetch(`/api/v1/tenants/${tenantId}/audit-entries?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as AuditLog;
}

/** Page by page until there is none. */
async function all(query: Readonly<Record<string, string>>, limit: number): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let before: number | null = null;
  do {
    const { items, next }: AuditLog = await page({
      ...query,
      limit: String(limit),
      ...(before !== null && { before: String(before) }),
    });
    entries.push(...items);
    before = next;
  } while (before !== null);
  return entries;
}

/** What an entry is about, as a reader of the details would say. */
function isAbout({ details }: AuditEntry, object: string): boolean {
  const { edgeId, userId, userName, revision, edgeIds, apiToken } = details as Record<string, unknown>;
  const token = Object.values((apiToken as Record<string, unknown> | undefined) ?? {});
  return [edgeId, userId, userName, revision, ...((edgeIds as unknown[] | undefined) ?? []), ...token]
    .map(String)
    .includes(object);
}

describe('the audit log', () => {
  it('finds what a reader of all entries would, by any of who, what, about what and when, in pages', async () => {
    const whole = await all({}, 200);
    expect(whole).toHaveLength(ENTRIES);
    const moments = whole.map(({ at }) => at);
    const optional = <T>(values: readonly T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const filters = fc.record({
      actor: optional([...ACTORS, 'nobody']),
      action: optional(ACTIONS),
      object: optional([...ids, 'ada', 'new', '3', 'reason', 'nightly']),
      since: optional(moments),
      until: optional(moments),
    });
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 50 }), async (filter, limit) => {
        const { actor, action, object, since, until } = filter;
        const given = Object.entries(filter).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const expected = whole.filter(
          (entry) =>
            (actor === undefined || entry.actor === actor) &&
            (action === undefined || entry.action === action) &&
            (object === undefined || isAbout(entry, object)) &&
            // The database keeps microseconds, of which the API shows milliseconds: the entry of `since` is later than what it shows.
            (since === undefined || entry.at >= since) &&
            (until === undefined || entry.at < until),
        );
        const found = await all(Object.fromEntries(given), limit);
        expect(found.map(({ sequence }) => sequence)).toEqual(expected.map(({ sequence }) => sequence));
      }),
      { numRuns: 60 },
    );
  });

  it('finds by the token that did it, and in its tenant alone', async () => {
    const elsewhere = await makeTenant(api, 'elsewhere');
    await api.controller.sql`
      insert into audit_entries (tenant_id, actor, action, details)
      values (${elsewhere}, 'ada', 'user_created', ${JSON.stringify({ userName: 'zoe', apiToken: { id: ids[0], name: 'deploy' } })}::text::jsonb)`;
    expect((await page({ object: 'zoe' })).items).toEqual([]);
    const there = await api.fetch(`/api/v1/tenants/${elsewhere}/audit-entries?object=deploy`);
    expect(((await there.json()) as AuditLog).items).toMatchObject([{ details: { userName: 'zoe' } }]);
  });

  it('refuses what it does not know by name', async () => {
    for (const [name, value] of [
      ['action', 'party'],
      ['since', 'yesterday'],
      ['who', 'ada'],
      ['actor', ''],
    ] as const) {
      const refused = await api.fetch(`/api/v1/tenants/${tenantId}/audit-entries?${name}=${value}`);
      expect([refused.status, (await problemOf(refused)).errors[0]?.pointer]).toEqual([422, `?${name}`]);
    }
  });

  it('keeps what it finds by as it keeps the entries', async () => {
    const { sql } = api.controller;
    await expect(sql`delete from audit_objects where tenant_id = ${tenantId}`).rejects.toThrow('append-only');
  });
});
