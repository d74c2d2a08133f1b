import { describe, expect, it } from 'vitest';
import { openApiText } from './document.js';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name?: string; readonly schema?: object }[];
}

const document = JSON.parse(await openApiText()) as { paths: Record<string, Record<string, Operation>> };
const operations = Object.values(document.paths).flatMap((item) => Object.values(item));

describe('the OpenAPI document', () => {
  it('has every parameter by its name, with what it may be', () => {
    expect(operations.length).toBeGreaterThan(50);
    const nameless = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters.filter(({ name, schema }) => !name || Object.keys(schema ?? {}).length === 0).map(() => operationId),
    );
    expect(nameless).toEqual([]);
  });

  it('has the parts of a packet that explanations are asked for', () => {
    const explain = operations.find(({ operationId }) => operationId === 'explainByDraft');
    expect(explain?.parameters?.map(({ name }) => name)).toEqual([
      'tenantId',
      'source',
      'destination',
      'protocol',
      'sourcePort',
      'destinationPort',
    ]);
  });
});
