import fc from 'fast-check';

/** A schema of the document, as far as it matters here. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Makes values of schemas, and values that look like them. */
export class SchemaArbitraries {
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #identifiers: fc.Arbitrary<string>;

  /** @param identifiers of what is there, so that requests reach further than "unknown" */
  constructor(schemas: Readonly<Record<string, Schema>>, identifiers: fc.Arbitrary<string>) {
    this.#schemas = schemas;
    this.#identifiers = identifiers;
  }

  /** What the schema admits, or nearly: rules that it cannot express may be broken. */
  valid(schema: Schema): fc.Arbitrary<unknown> {
    return this.#of(schema, (arbitrary) => arbitrary);
  }

  /** The same, with something else in some places. */
  corrupted(schema: Schema): fc.Arbitrary<unknown> {
    return this.#of(schema, (arbitrary) => fc.oneof({ weight: 6, arbitrary }, { weight: 1, arbitrary: ANYTHING }));
  }

  #of(schema: Schema, mutate: (arbitrary: fc.Arbitrary<unknown>) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    const inner = (part: Schema) => this.#of(part, mutate);
    return mutate(this.#plain(schema, inner));
  }

  #plain(schema: Schema, inner: (schema: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
    const resolved = this.#resolve(schema);
    const choices = resolved.anyOf ?? resolved.oneOf ?? resolved.allOf;
    if (choices !== undefined) return fc.oneof(...choices.map(inner));
    if (resolved.enum !== undefined) return fc.constantFrom(...resolved.enum);
    switch (resolved.type) {
      case 'string':
        return this.#text(resolved);
      case 'integer':
      case 'number':
        return fc.integer({ min: resolved.minimum ?? -1_000, max: resolved.maximum ?? 1_000 });
      case 'boolean':
        return fc.boolean();
      case 'array':
        return this.#list(resolved, inner);
      case 'object':
        return objectOf(resolved, inner);
      default:
        return fc.jsonValue();
    }
  }

  #resolve(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    if (name === undefined) return schema;
    const found = this.#schemas[name];
    if (found === undefined) throw new Error(`the document has no schema ${name}`);
    return found;
  }

  #text({ format, examples = [], minLength = 0, maxLength = 50 }: Schema): fc.Arbitrary<string> {
    if (format === 'uuid') return this.#identifiers;
    const written = examples.filter((example) => typeof example === 'string');
    const word = fc.string({
      minLength,
      maxLength: Math.min(maxLength, 50),
      unit: fc.constantFrom(...'abcXYZ019-_.äß日'.split('')),
    });
    const some = fc.constantFrom('10.1.0.0/16', '2001:db8::/32', '203.0.113.9', '2001:db8::9', 'lan', 'berlin', 'tcp');
    return written.length === 0 ? fc.oneof(word, some) : fc.oneof(fc.constantFrom(...written), some);
  }

  #list({ items = {}, minItems = 0, maxItems = 3 }: Schema, inner: (schema: Schema) => fc.Arbitrary<unknown>) {
    return fc.array(inner(items), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 3)) });
  }
}

function objectOf({ properties = {}, required = [] }: Schema, inner: (schema: Schema) => fc.Arbitrary<unknown>) {
  const model = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, inner(schema)]));
  return fc.record(model, { requiredKeys: [...required] });
}

/** Texts that have gone wrong somewhere. */
export const HOSTILE_TEXT: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\u0000',
      '\ud800',
      '\udfff\ud800',
      "'; drop table sites; --",
      '$1',
      '%00',
      '..',
      '../..',
      '\n',
      '\u202e',
    ],
    ...[
      '__proto__',
      'constructor',
      'toString',
      'NaN',
      'null',
      '1e999',
      '-0',
      '0x10',
      '10.0.0.0/33',
      '::ffff:1.2.3.4/120',
    ],
    ...[
      '::%eth0',
      '00000000-0000-0000-0000-000000000000',
      'x'.repeat(5_000),
      '1970-01-01T00:00:00Z',
      '\ufeff',
      '((((((',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

const ANYTHING: fc.Arbitrary<unknown> = fc.oneof(
  HOSTILE_TEXT,
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e308, 2 ** 31, 2 ** 53, [], {}, [[]], { a: { b: [] } }),
  fc.jsonValue(),
  fc.dictionary(HOSTILE_TEXT, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
);
