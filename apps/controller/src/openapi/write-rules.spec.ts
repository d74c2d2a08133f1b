import { describe, expect, it } from 'vitest';
import { openApiText } from './document.js';

/** What every write of the document has to take, whoever adds one. */
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

const document = JSON.parse(await openApiText()) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const writes = Object.values(document.paths).flatMap((item) =>
  Object.entries(item).flatMap(([method, operation]) => (method === 'get' ? [] : [{ method, operation }])),
);

/**
 * Writes that can be neither tried nor repeated by a key, and why. What they change is the session, or what is needed for one: the secrets
 * in it are kept nowhere, and an answer that is kept would have them.
 */
const IMMEDIATE: Readonly<Record<string, string>> = {
  createSession: 'the answer is the secret of a session',
  deleteSession: 'the session that asks ends with it; asked again it is refused, and nothing happens',
  enterTenant: 'the answer is another secret of the session',
  changePassword: 'the request has two passwords; asked again the old one is wrong, and nothing happens',
  endSession: 'asked again there is no such session',
  acceptInvitation: 'uses the invitation up, outside of the tenant of the session; asked again there is none',
  declineInvitation: 'uses the invitation up, outside of the tenant of the session; asked again there is none',
  enrollTotp: 'the answer has the secret of the factor; asked again it has another, and the one before counts no more',
  confirmTotp: 'uses the code up; asked again it is refused, and nothing happens',
  removeTotp: 'the request has a password or a code; asked again there is no factor',
};

/** What a write lacks of what every write takes. */
function faultsOf(method: string, { operationId, parameters = [] }: Operation): string[] {
  const takes = (place: string, name: string) => parameters.some((one) => one.in === place && one.name === name);
  if (operationId in IMMEDIATE) {
    return takes('query', 'dryRun') || takes('header', 'Idempotency-Key')
      ? [`${operationId}: is no exception any more`]
      : [];
  }
  return [
    ...(takes('query', 'dryRun') ? [] : [`${operationId}: cannot be tried (dryRun)`]),
    ...(method !== 'post' || takes('header', 'Idempotency-Key')
      ? []
      : [`${operationId}: cannot be repeated (Idempotency-Key)`]),
  ];
}

describe('the rules of writes in the OpenAPI document', () => {
  it('want each to be tried, and what is made or done by POST to be done once', () => {
    expect(writes.length).toBeGreaterThan(50);
    expect(writes.flatMap(({ method, operation }) => faultsOf(method, operation))).toEqual([]);
    const known = new Set(writes.map(({ operation }) => operation.operationId));
    expect(Object.keys(IMMEDIATE).filter((name) => !known.has(name))).toEqual([]);
  });

  it('find what breaks them', () => {
    const dryRun = { name: 'dryRun', in: 'query' };
    const key = { name: 'Idempotency-Key', in: 'header' };
    expect(faultsOf('post', { operationId: 'makeThing' })).toEqual([
      'makeThing: cannot be tried (dryRun)',
      'makeThing: cannot be repeated (Idempotency-Key)',
    ]);
    expect(faultsOf('post', { operationId: 'makeThing', parameters: [dryRun, key] })).toEqual([]);
    expect(faultsOf('delete', { operationId: 'removeThing', parameters: [dryRun] })).toEqual([]);
    expect(faultsOf('post', { operationId: 'createSession', parameters: [key] })).toEqual([
      'createSession: is no exception any more',
    ]);
  });
});
