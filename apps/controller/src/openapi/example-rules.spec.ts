import { describe, expect, it } from 'vitest';
import { openApiText } from './document.js';
import { exampleOf } from './examples.js';

/** The examples of the document, against its schemas: by another reader of them than what made the examples. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

interface Body {
  readonly schema: Schema;
  readonly example?: unknown;
}

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, Body>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Body>> }>>;
}

const document = JSON.parse(await openApiText()) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};
const { schemas } = document.components;

/** Every body and every answer, but for octets that are no text. */
const bodies = Object.values(document.paths)
  .flatMap((item) => Object.values(item))
  .flatMap(({ operationId, requestBody, responses }) => {
    const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
    return [requestBody, ...answers.map(([, answer]) => answer)].flatMap((holder) =>
      Object.entries(holder?.content ?? {}).map(([type, body]) => ({ operationId, type, body })),
    );
  })
  .filter(({ body }) => body.schema.format !== 'binary');

/** Where a value is not as its schema wants it. */
function* faultsOf(value: unknown, schema: Schema, where: string): Generator<string> {
  if (schema.$ref !== undefined) {
    const named = schemas[schema.$ref.split('/').at(-1) ?? ''];
    if (named === undefined) yield `${where}: refers to nothing (${schema.$ref})`;
    else yield* faultsOf(value, named, where);
    return;
  }
  for (const part of schema.allOf ?? []) yield* faultsOf(value, part, where);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices?.every((choice) => [...faultsOf(value, choice, where)].length > 0)) {
    yield `${where}: ${JSON.stringify(value)} is none of the choices`;
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) yield `${where}: is none of ${schema.enum}`;
  if (schema.const !== undefined && schema.const !== value) yield `${where}: is not ${schema.const}`;
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some((type) => isOf(value, type))) yield `${where}: is no ${types.join(', ')}`;
  if (typeof value === 'string') yield* textFaults(value, schema, where);
  if (typeof value === 'number') yield* numberFaults(value, schema, where);
  if (Array.isArray(value)) yield* listFaults(value, schema, where);
  else if (typeof value === 'object' && value !== null) yield* objectFaults({ ...value }, schema, where);
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function* textFaults(text: string, { pattern, minLength = 0, maxLength }: Schema, where: string): Generator<string> {
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(text)) yield `${where}: "${text}" is not ${pattern}`;
  if (text.length < minLength || text.length > (maxLength ?? text.length))
    yield `${where}: "${text}" has another length`;
}

function* numberFaults(number: number, { minimum, maximum }: Schema, where: string): Generator<string> {
  if (number < (minimum ?? number) || number > (maximum ?? number)) yield `${where}: ${number} is out of bounds`;
}

function* listFaults(list: readonly unknown[], schema: Schema, where: string): Generator<string> {
  const { items = {}, minItems = 0, maxItems = list.length } = schema;
  if (list.length < minItems || list.length > maxItems) yield `${where}: has ${list.length} items`;
  for (const [index, item] of list.entries()) yield* faultsOf(item, items, `${where}[${index}]`);
}

function* objectFaults(object: Record<string, unknown>, schema: Schema, where: string): Generator<string> {
  const { properties = {}, required = [], additionalProperties = true } = schema;
  for (const name of required) if (!(name in object)) yield `${where}.${name}: is missing`;
  for (const [name, value] of Object.entries(object)) {
    const own = properties[name];
    if (own !== undefined) yield* faultsOf(value, own, `${where}.${name}`);
    else if (additionalProperties === false) yield `${where}.${name}: is no field`;
    else if (typeof additionalProperties === 'object') yield* faultsOf(value, additionalProperties, `${where}.${name}`);
  }
}

describe('the examples of the OpenAPI document', () => {
  it('are there for every body and every answer', () => {
    expect(bodies.length).toBeGreaterThan(120);
    const without = bodies.filter(({ body }) => body.example === undefined);
    expect(without.map(({ operationId, type }) => `${operationId} ${type}`)).toEqual([]);
  });

  it('are what their schemas want', () => {
    const faults = bodies.flatMap(({ operationId, body }) => [...faultsOf(body.example, body.schema, operationId)]);
    expect(faults).toEqual([]);
  });

  it('of schemas and their fields are so, too', () => {
    const faults = Object.entries(schemas).flatMap(([name, schema]) =>
      (schema.examples ?? []).flatMap((example) => [...faultsOf(example, schema, name)]),
    );
    expect(faults).toEqual([]);
  });

  it('say something: no text is what stands for none', () => {
    const nameless = bodies.filter(({ body }) => /[:[]"text"/.test(JSON.stringify(body.example)));
    expect(nameless.map(({ operationId, body }) => `${operationId} ${JSON.stringify(body.example)}`)).toEqual([]);
  });
});

describe('what looks at examples', () => {
  const faults = (value: unknown, schema: Schema) => [...faultsOf(value, schema, 'it')];

  it('finds what is not as it should be', () => {
    expect(faults('ab', { type: 'string', maxLength: 1 })).toEqual(['it: "ab" has another length']);
    expect(faults('ab', { type: 'string', pattern: '^\\p{Lu}+$' })).toEqual(['it: "ab" is not ^\\p{Lu}+$']);
    expect(faults(1.5, { type: 'integer', maximum: 1 })).toEqual(['it: is no integer', 'it: 1.5 is out of bounds']);
    expect(faults('c', { enum: ['a', 'b'] })).toEqual(['it: is none of a,b']);
    expect(faults([], { type: 'array', minItems: 1 })).toEqual(['it: has 0 items']);
    expect(faults({ b: 1 }, { properties: { a: {} }, required: ['a'], additionalProperties: false })).toEqual([
      'it.a: is missing',
      'it.b: is no field',
    ]);
    expect(faults(1, { anyOf: [{ type: 'string' }, { type: 'null' }] })).toEqual(['it: 1 is none of the choices']);
    expect(faults(1, { $ref: '#/components/schemas/Nothing' })).toHaveLength(1);
  });
});

describe('an example', () => {
  const of = (schema: Schema, side: 'request' | 'answer' = 'answer') => exampleOf(schema, { schemas: {}, side });

  it('is that of the schema, and else is made of those of its parts', () => {
    expect(of({ type: 'string', examples: ['lan', 'wan'] })).toBe('lan');
    expect(of({ anyOf: [{ type: 'null' }, { enum: ['a', 'b'] }] })).toBe('a');
    expect(of({ allOf: [{ type: 'boolean' }] })).toBe(true);
    const schema: Schema = {
      type: 'object',
      properties: { name: { type: 'string' }, size: { type: ['integer', 'null'], minimum: 7 } },
      required: ['name'],
    };
    expect(of({ type: 'array', items: schema })).toEqual([{ name: 'berlin', size: 7 }]);
    // Whoever asks is shown what has to be said.
    expect(of(schema, 'request')).toEqual({ name: 'berlin' });
  });
});
