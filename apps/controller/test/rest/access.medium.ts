import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATION_ACCESS } from '../../src/modules/access/operation-access.js';
import { isAtLeast, ROLES, type Role } from '../../src/platform/http/role.js';
import { Api, problemOf } from './support/api.js';
import { makeTenant, makeToken, Person } from './support/people.js';

/** Everybody who could ask: what they are in the tenant that is asked for, and in the installation. */
interface Asker {
  readonly title: string;
  readonly inTenant: Role | null;
  readonly ofProvider: Role | null;
  readonly credentials: Record<string, string> | undefined;
  readonly token?: true;
}

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
}

let api: Api;
let tenantId: string;
let askers: Asker[];
let operations: Operation[];
beforeAll(async () => {
  api = await Api.start();
  tenantId = await makeTenant(api, 'asked for');
  const elsewhere = await makeTenant(api, 'elsewhere');
  askers = [{ title: 'nobody', inTenant: null, ofProvider: null, credentials: undefined }];
  for (const role of ROLES) {
    const person = await Person.make(api, tenantId, { name: `tenant-${role}`, role });
    askers.push({
      title: `${role} of the tenant`,
      inTenant: role,
      ofProvider: null,
      credentials: { cookie: person.cookie },
    });
  }
  for (const role of ROLES) {
    const person = await Person.make(api, elsewhere, { name: `foreign-${role}`, role });
    askers.push({
      title: `${role} of another tenant`,
      inTenant: null,
      ofProvider: null,
      credentials: { cookie: person.cookie },
    });
  }
  for (const role of ROLES) {
    const user = { name: `provider-${role}`, role: 'viewer', providerRole: role } as const;
    const person = await Person.make(api, elsewhere, user);
    askers.push({
      title: `${role} of the provider`,
      inTenant: role,
      ofProvider: role,
      credentials: { cookie: person.cookie },
    });
  }
  for (const role of ROLES) {
    const token = await makeToken(api, tenantId, { name: `token-${role}`, role });
    const credentials = { authorization: `Bearer ${token.token}` };
    askers.push({ title: `token with ${role}`, inTenant: role, ofProvider: null, credentials, token: true });
  }
  operations = await operationsOf(api);
});
afterAll(() => api.stop());

describe('every operation', () => {
  it('answers every role as the table says', async () => {
    const wrong: string[] = [];
    for (const operation of operations) {
      for (const asker of askers) {
        const expected = expectedOf(operation, asker);
        const got = await answerOf(operation, asker);
        if (got !== expected) wrong.push(`${operation.id} for ${asker.title}: ${got} instead of ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(operations.length).toBeGreaterThan(40);
  });

  it('says which role it needs and who gives it', async () => {
    const operator = await Person.logIn(api, '', 'tenant-operator');
    const answer = await operator.fetch('POST', `/api/v1/tenants/${tenantId}/revisions`, {});
    expect((await problemOf(answer)).detail).toBe(
      'publishRevision needs the role approver in this tenant. Yours is operator. An admin of the tenant can give it to you.',
    );
  });
});

/** What the row of the operation means for somebody, in one word. */
function expectedOf({ id }: Operation, { credentials, inTenant, ofProvider, token }: Asker): string {
  const access = OPERATION_ACCESS[id];
  if (access === undefined) return 'no row';
  if (access.to === 'everybody') return 'let in';
  if (credentials === undefined) return 'login_required';
  if (access.inPerson && token) return 'session_required';
  if (access.to === 'user') return 'let in';
  if (access.to === 'tenant' && inTenant === null) return 'unknown_tenant';
  const role = access.to === 'tenant' ? inTenant : ofProvider;
  return role !== null && isAtLeast(role, access.least) ? 'let in' : 'role_required';
}

/** Asks with names of nothing and a body that no schema takes, so that whoever is let in changes nothing. */
async function answerOf({ method, path }: Operation, { credentials }: Asker): Promise<string> {
  const target = path
    .replace('{tenantId}', tenantId)
    .replace('{number}', '999')
    .replaceAll(/\{\w+\}/g, () => randomUUID());
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: '{"of no schema":true}' };
  const response = await fetch(`${api.controller.url}${target}`, {
    method,
    headers: { 'content-type': 'application/json', ...credentials },
    ...body,
  });
  if (response.status >= 500) return `status ${response.status}`;
  if (response.ok) return 'let in';
  const code = (await problemOf(response)).type.replace('urn:weft:problem:', '');
  return REFUSALS.includes(code) ? code : 'let in';
}

const REFUSALS = ['login_required', 'role_required', 'session_required', 'unknown_tenant'];

/** Of the document that the controller serves; what ends a session comes last. */
async function operationsOf({ controller }: Api): Promise<Operation[]> {
  const document = await (await fetch(`${controller.url}/api/v1/openapi.json`)).json();
  const { paths } = document as { paths: Record<string, Record<string, { operationId?: string }>> };
  return Object.entries(paths)
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => ({
        id: operationId ?? '',
        method: method.toUpperCase(),
        path,
      })),
    )
    .sort((one, other) => Number(one.id === 'deleteSession') - Number(other.id === 'deleteSession'));
}
