import type { OpenAPIObject } from '@nestjs/swagger';
import { EXAMPLE_BODIES, EXAMPLE_TEXTS } from './example-texts.js';

/** As much of JSON Schema as the document uses. */
export interface ExampleSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly minItems?: number;
  readonly anyOf?: readonly ExampleSchema[];
  readonly oneOf?: readonly ExampleSchema[];
  /** Of one part: what a reference that has words of its own is written as. */
  readonly allOf?: readonly ExampleSchema[];
  readonly properties?: Readonly<Record<string, ExampleSchema>>;
  readonly required?: readonly string[];
  readonly items?: ExampleSchema;
}

type Schemas = Readonly<Record<string, ExampleSchema>>;
/** What of a field is shown: a request shows what has to be there, an answer everything. */
type Side = 'request' | 'answer';
type Content = Record<string, { schema?: object; example?: unknown }>;

/** Gives every body and every answer of the document an example, of the examples of its parts. */
export function withExamples(document: OpenAPIObject): OpenAPIObject {
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  for (const item of Object.values(document.paths)) {
    for (const operation of Object.values(item) as Operation[]) {
      illustrate(operation.requestBody?.content, schemas, 'request');
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (status.startsWith('2')) illustrate(content, schemas, 'answer');
      }
    }
  }
  return document;
}

interface Operation {
  readonly requestBody?: { readonly content?: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

function illustrate(content: Content | undefined, schemas: Schemas, side: Side): void {
  for (const [type, body] of Object.entries(content ?? {})) {
    // Octets that are no text cannot be shown in a document that is one.
    if ((body.schema as ExampleSchema | undefined)?.format === 'binary') continue;
    body.example = EXAMPLE_BODIES[type] ?? exampleOf(body.schema ?? {}, { schemas, side });
  }
}

/** A value that the schema admits, and that a reader understands. Pure. */
export function exampleOf(
  schema: ExampleSchema,
  of: { readonly schemas: Schemas; readonly side: Side },
  name = '',
): unknown {
  const reference = schema.$ref?.split('/').at(-1);
  if (reference !== undefined) return exampleOf(of.schemas[reference] ?? {}, of, name);
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.default ?? schema.enum[0];
  const choices = (schema.anyOf ?? schema.oneOf ?? schema.allOf)?.filter(({ type }) => type !== 'null');
  if (choices?.[0] !== undefined) return exampleOf(choices[0], of, name);
  switch ([schema.type].flat().find((type) => type !== 'null')) {
    case 'object':
      return exampleObject(schema, of);
    case 'array':
      return Array.from({ length: Math.max(schema.minItems ?? 1, 1) }, () => exampleOf(schema.items ?? {}, of, name));
    case 'string':
      return FORMATS[schema.format ?? ''] ?? EXAMPLE_TEXTS[name] ?? schema.default ?? 'text';
    case 'integer':
    case 'number':
      return schema.default ?? Math.max(schema.minimum ?? 1, 1);
    case 'boolean':
      return schema.default ?? true;
    default:
      return null;
  }
}

function exampleObject(
  { properties = {}, required = [] }: ExampleSchema,
  of: { readonly schemas: Schemas; readonly side: Side },
): Record<string, unknown> {
  const shown = Object.entries(properties).filter(([name]) => of.side === 'answer' || required.includes(name));
  return Object.fromEntries(shown.map(([name, schema]) => [name, exampleOf(schema, of, name)]));
}

/** Of texts whose form says what they are. */
const FORMATS: Readonly<Record<string, string>> = {
  uuid: '8e03978e-40d5-43e8-bc93-6894a57f9324',
  'date-time': '2026-03-14T09:26:53.589Z',
};
