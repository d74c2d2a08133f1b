import { describe, expect, it } from 'vitest';
import type { ImportResult } from './configuration.dto.js';
import { importRecord } from './import-record.js';

type Item = ImportResult['items'][number];

function resultWith(items: readonly Item[]): ImportResult {
  const counts = { created: 0, changed: 0, unchanged: 0, removed: 0, kept: 0 };
  for (const { outcome } of items) counts[outcome] += 1;
  return { changed: true, counts, items: [...items] };
}
const item = (name: string, outcome: Item['outcome'], pointers: readonly string[] = []): Item => ({
  noun: 'external_peer',
  name,
  outcome,
  differences: pointers.map((pointer) => ({ pointer, before: 'secret before', after: 'secret after' })),
});

describe('what the audit log keeps of an import', () => {
  it('is what came to be, was changed and was removed, with the fields and without their values', () => {
    const record = importRecord(
      resultWith([
        item('a', 'created', ['/name', '/address']),
        item('b', 'changed', ['/address', '/preSharedKey']),
        item('c', 'unchanged'),
        item('d', 'removed', ['/name']),
        item('e', 'kept'),
      ]),
      true,
    );
    expect(record).toEqual({
      prune: true,
      counts: { created: 1, changed: 1, removed: 1 },
      created: ['external peer a'],
      changed: ['external peer b: /address, /preSharedKey'],
      removed: ['external peer d'],
    });
  });

  it('says how much it leaves out', () => {
    const many = Array.from({ length: 501 }, (_, number) => item(String(number), 'created'));
    const record = importRecord(resultWith([...many, item('kept', 'kept')]), false);
    expect(record).toMatchObject({ counts: { created: 501 }, notNamed: 1 });
    expect(record['created']).toHaveLength(500);
    const pointers = Array.from({ length: 12 }, (_, number) => `/${number}`);
    expect(importRecord(resultWith([item('x', 'changed', pointers)]), false)['changed']).toEqual([
      'external peer x: /0, /1, /2, /3, /4, /5, /6, /7, /8, /9, and 2 more',
    ]);
  });
});
