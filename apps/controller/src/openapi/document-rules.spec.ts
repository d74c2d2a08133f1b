import { describe, expect, it } from 'vitest';
import { openApiText } from './document.js';

/** What every operation and every field of the document has to be, whoever adds one. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly maxProperties?: number;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly headers?: object; readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }
    >
  >;
}

const document = JSON.parse(await openApiText()) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};
const { schemas } = document.components;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

/** What of a schema breaks a rule of what is sent, by where it is. */
function* faultsOf(schema: Schema, where: string, within: readonly string[] = []): Generator<string> {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    const named = schemas[name];
    if (named === undefined) yield `${where}: refers to nothing (${schema.$ref})`;
    else if (!within.includes(name)) yield* faultsOf(named, `${where} > ${name}`, [...within, name]);
    return;
  }
  for (const alternative of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
    yield* faultsOf(alternative, where, within);
  }
  const fault = FAULTS[schema.type ?? '']?.(schema);
  if (fault !== undefined) yield `${where}: ${fault}`;
  if (schema.items !== undefined) yield* faultsOf(schema.items, `${where}[]`, within);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    yield* faultsOf(property, `${where}.${name}`, within);
  }
  if (typeof schema.additionalProperties === 'object')
    yield* faultsOf(schema.additionalProperties, `${where}.*`, within);
}

const isChosen = ({ enum: values, const: value }: Schema): boolean => values !== undefined || value !== undefined;
const FAULTS: Readonly<Record<string, (schema: Schema) => string | undefined>> = {
  string: (schema) => {
    // A format is as long as it is; of a pattern only one without an open end.
    const bounded =
      schema.format !== undefined || (schema.pattern !== undefined && !/[^\\][*+]|,\}/.test(schema.pattern));
    return isChosen(schema) || schema.maxLength !== undefined || bounded ? undefined : 'a text without an end';
  },
  array: ({ maxItems }) => (maxItems === undefined ? 'a list without an end' : undefined),
  integer: (schema) => (isChosen(schema) || schema.maximum !== undefined ? undefined : 'a number without an end'),
  number: (schema) => (isChosen(schema) || schema.maximum !== undefined ? undefined : 'a number without an end'),
  object: ({ additionalProperties, maxProperties }) => {
    if (additionalProperties === false) return undefined;
    // Names with values of one kind.
    if (typeof additionalProperties !== 'object') return 'takes fields that it does not know';
    return maxProperties === undefined ? 'names without an end' : undefined;
  },
};

/** Lists that are as long as something is by its nature, which the document says of them as well. */
const BOUNDED_LISTS: Readonly<Record<string, { readonly items: number; readonly reason: string }>> = {
  readTrust: { items: 7, reason: 'one entry for each kind of what edges trust' },
};

/** Fields of what an operation answers with when it does what it is asked. */
function answerOf({ responses }: Operation): Readonly<Record<string, Schema>> | undefined {
  const content = responses['200']?.content?.['application/json'];
  return content?.schema === undefined ? undefined : resolved(content.schema).properties;
}

function resolved(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (schemas[name] ?? {});
}

/** What a list lacks: a page has an end, a place where it begins, and says where the next one does. */
function listFaults(operation: Operation): string[] {
  const { operationId, parameters = [] } = operation;
  const { items, next } = answerOf(operation) ?? {};
  const bound = BOUNDED_LISTS[operationId]?.items;
  if (bound !== undefined && items?.maxItems === bound) return [];
  const query = parameters.filter((parameter) => parameter.in === 'query');
  const limited = query.some(({ name, schema }) => name === 'limit' && schema.maximum !== undefined);
  const begins = query.some(({ name }) => name === 'after' || name === 'before');
  // Null is how the last page says so.
  const ends = next?.anyOf?.some(({ type }) => type === 'null') === true || next?.type?.includes('null') === true;
  return [
    ...(limited ? [] : [`${operationId}: has no limit`]),
    ...(begins ? [] : [`${operationId}: has no place to begin (after, before)`]),
    ...(ends ? [] : [`${operationId}: does not say where the next page begins (next)`]),
  ];
}

/**
 * Changes and removals of what has no versions, and why: what somebody else could have made of it meanwhile is nothing that could be
 * overwritten.
 */
const WITHOUT_VERSIONS: Readonly<Record<string, string>> = {
  deleteSession: 'a session does not change, it ends',
  endSession: 'a session does not change, it ends',
  enterTenant: 'of the session that asks, which nobody else has',
  changePassword: 'names the password that it replaces',
  declineInvitation: 'an invitation does not change: it is answered, withdrawn or over',
  deleteInvitation: 'an invitation does not change: it is answered, withdrawn or over',
  resetUserTotp: "the factor is the user's own, and is taken away whichever it is",
  revokeApiToken: 'a token does not change, it ends',
  withdrawApproval: 'an approval does not change, it ends',
};

/** What a change or a removal lacks that could overwrite what nobody has seen: a version to read, and to be demanded. */
function seenFaults({ operationId, parameters = [] }: Operation, read: Operation | undefined): string[] {
  if (operationId in WITHOUT_VERSIONS) {
    const takes = isVersioned(read) || parameters.some(({ name }) => name === 'If-Match');
    return takes ? [`${operationId}: is no exception any more`] : [];
  }
  return isVersioned(read) ? [] : [`${operationId}: writes to what cannot be read with an ETag`];
}

/** Whether an operation answers with a version of what it is about. */
function isVersioned(operation: Operation | undefined): boolean {
  return Object.values(operation?.responses ?? {}).some(({ headers }) => headers !== undefined && 'ETag' in headers);
}

/** What a write of something that has versions lacks: nobody has to change or remove what they have not seen. */
function versionFaults(method: string, { operationId, parameters = [], responses }: Operation): string[] {
  const ifMatch = parameters.find(({ name }) => name === 'If-Match');
  const answers = (status: string) => responses[status] !== undefined;
  const required = ifMatch?.required === true;
  return [
    ...(ifMatch === undefined ? [`${operationId}: takes no If-Match`] : []),
    ...(answers('412') ? [] : [`${operationId}: does not say that it refuses another version (412)`]),
    // Whatever replaces a whole loses what somebody else has put there meanwhile.
    ...(method === 'put' && !required ? [`${operationId}: replaces what nobody needs to have read`] : []),
    ...(required && !answers('428') ? [`${operationId}: does not say that it demands If-Match (428)`] : []),
  ];
}

/** What is written to at a path: changes and removals there, and acts below it that make another version of it. */
function writesOf(versioned: string): { readonly method: string; readonly operation: Operation }[] {
  return operations.filter(({ path, method, operation }) => {
    if (path === versioned) return method === 'put' || method === 'patch' || method === 'delete';
    // What answers with 201 makes something else.
    const acts = method === 'post' && operation.responses['201'] === undefined && isVersioned(operation);
    return acts && path.slice(0, path.lastIndexOf('/')) === versioned;
  });
}

describe('the rules of the OpenAPI document', () => {
  it('are those of OpenAPI 3.1, for operations with names that are their own', () => {
    expect(document.openapi).toBe('3.1.0');
    const names = operations.map(({ operation }) => operation.operationId);
    expect(names.filter((name) => !/^[a-z][A-Za-z]+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    const wordless = operations.filter(({ operation: { summary, tags } }) => !summary || tags?.length !== 1);
    expect(wordless.map(({ operation }) => operation.operationId)).toEqual([]);
  });

  it('want each part of a path as a parameter, and no other', () => {
    for (const { path, operation } of operations) {
      const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect([operation.operationId, given.map(({ name }) => name)]).toEqual([operation.operationId, parts]);
    }
  });

  it('want every field of a body and every parameter with a bound, and no field that is not known', () => {
    const faults = operations.flatMap(({ operation }) => [
      ...Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) => [
        ...faultsOf(schema, operation.operationId),
      ]),
      // Headers have the bound of all of them, 16 KiB.
      ...(operation.parameters ?? [])
        .filter((parameter) => parameter.in !== 'header')
        .flatMap(({ name, schema }) => [...faultsOf(schema, `${operation.operationId}?${name}`)]),
    ]);
    expect(faults).toEqual([]);
  });

  it('want every list in pages, or with the bound that it has by its nature', () => {
    const lists = operations.filter(({ method, operation }) => method === 'get' && answerOf(operation)?.['items']);
    expect(lists.length).toBeGreaterThan(20);
    expect(lists.flatMap(({ operation }) => listFaults(operation))).toEqual([]);
    // Whatever is called a list is one.
    const named = operations.filter(({ operation: { operationId } }) => operationId.startsWith('list'));
    expect(named.filter((one) => !lists.includes(one)).map(({ operation }) => operation.operationId)).toEqual([]);
    const known = new Set(lists.map(({ operation }) => operation.operationId));
    expect(Object.keys(BOUNDED_LISTS).filter((name) => !known.has(name))).toEqual([]);
  });

  it('find a list that has no pages', () => {
    const items: Schema = { type: 'array', items: { type: 'string' } };
    const next: Schema = { anyOf: [{ type: 'string' }, { type: 'null' }] };
    const list = (properties: Record<string, Schema>, ...parameters: [string, Schema][]): Operation => ({
      operationId: 'listThings',
      parameters: parameters.map(([name, schema]) => ({ name, in: 'query', schema })),
      responses: { 200: { content: { 'application/json': { schema: { type: 'object', properties } } } } },
    });
    const limit: Schema = { type: 'integer', maximum: 10 };
    expect(listFaults(list({ items, next }, ['after', { type: 'string' }], ['limit', limit]))).toEqual([]);
    expect(listFaults(list({ items }))).toEqual([
      'listThings: has no limit',
      'listThings: has no place to begin (after, before)',
      'listThings: does not say where the next page begins (next)',
    ]);
    expect(
      listFaults(list({ items, next: { type: 'string' } }, ['before', {}], ['limit', { type: 'integer' }])),
    ).toEqual(['listThings: has no limit', 'listThings: does not say where the next page begins (next)']);
    // The bound is in the document, or it is none.
    expect(listFaults({ ...list({ items }), operationId: 'readTrust' })).toContain('readTrust: has no limit');
    expect(listFaults({ ...list({ items: { ...items, maxItems: 7 } }), operationId: 'readTrust' })).toEqual([]);
  });

  it('want each write of what has versions to take the one that was seen', () => {
    const versioned = Object.entries(document.paths).filter(([, { get }]) => isVersioned(get));
    expect(versioned.length).toBeGreaterThan(6);
    const writes = versioned.flatMap(([path]) => writesOf(path));
    expect(writes.length).toBeGreaterThan(versioned.length);
    expect(writes.flatMap(({ method, operation }) => versionFaults(method, operation))).toEqual([]);
  });

  it('want each change and removal to be of what has versions, or an exception with a reason', () => {
    const changes = operations.filter(({ method }) => method === 'put' || method === 'patch' || method === 'delete');
    expect(changes.length).toBeGreaterThan(30);
    const faults = changes.flatMap(({ path, operation }) => seenFaults(operation, document.paths[path]?.['get']));
    expect(faults).toEqual([]);
    const known = new Set(changes.map(({ operation }) => operation.operationId));
    expect(Object.keys(WITHOUT_VERSIONS).filter((name) => !known.has(name))).toEqual([]);
  });

  it('find a change of what has no versions', () => {
    const write = (operationId: string): Operation => ({ operationId, responses: {} });
    const read: Operation = { operationId: 'readThing', responses: { 200: { headers: { ETag: {} } } } };
    const fault = 'updateThing: writes to what cannot be read with an ETag';
    expect(seenFaults(write('updateThing'), undefined)).toEqual([fault]);
    expect(seenFaults(write('updateThing'), { operationId: 'readThing', responses: { 200: {} } })).toEqual([fault]);
    expect(seenFaults(write('updateThing'), read)).toEqual([]);
    expect(seenFaults(write('endSession'), undefined)).toEqual([]);
    expect(seenFaults(write('endSession'), read)).toEqual(['endSession: is no exception any more']);
  });

  it('find a write that takes no version', () => {
    const header = { name: 'If-Match', in: 'header', schema: { type: 'string' } };
    const faults = (method: string, operation: Partial<Operation>) =>
      versionFaults(method, { operationId: 'write', responses: {}, ...operation });
    expect(faults('delete', {})).toEqual([
      'write: takes no If-Match',
      'write: does not say that it refuses another version (412)',
    ]);
    expect(faults('delete', { parameters: [header], responses: { 412: {} } })).toEqual([]);
    expect(faults('put', { parameters: [header], responses: { 412: {} } })).toEqual([
      'write: replaces what nobody needs to have read',
    ]);
    expect(faults('put', { parameters: [{ ...header, required: true }], responses: { 412: {} } })).toEqual([
      'write: does not say that it demands If-Match (428)',
    ]);
  });

  it('find what breaks them', () => {
    const broken: Schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        word: { type: 'string', pattern: '^[a-z]+$' },
        list: { type: 'array', items: { $ref: '#/components/schemas/Nothing' } },
        number: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
        map: { type: 'object', additionalProperties: { type: 'string' } },
      },
    };
    expect([...faultsOf(broken, 'it')]).toEqual([
      'it: takes fields that it does not know',
      'it.name: a text without an end',
      'it.word: a text without an end',
      'it.list: a list without an end',
      'it.list[]: refers to nothing (#/components/schemas/Nothing)',
      'it.number: a number without an end',
      'it.map: names without an end',
      'it.map.*: a text without an end',
    ]);
  });

  it('want every refusal as problem details', () => {
    for (const { operation } of operations) {
      const refusals = Object.entries(operation.responses).filter(([status]) => status >= '400');
      for (const [status, { content }] of refusals) {
        expect([operation.operationId, status, Object.keys(content ?? {})]).toEqual([
          operation.operationId,
          status,
          ['application/problem+json'],
        ]);
      }
    }
  });
});
