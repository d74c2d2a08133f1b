import type { FabricIntent, Rule } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { intentChanges } from './intent-changes.js';

const rule = (id: string): Rule => ({
  id,
  name: `rule ${id}`,
  action: 'PROTECT',
  sources: [{ kind: 'any' }],
  destinations: [{ kind: 'any' }],
  services: [{ protocol: 'any', ports: [] }],
});
const INTENT: FabricIntent = {
  tenantId: 't',
  keyingMode: 'ikev2',
  sites: [{ id: 's', name: 'berlin' }],
  networks: [{ id: 'n', siteId: 's', name: 'lan', prefix: '10.0.0.0/8' }],
  edges: [],
  policies: [{ id: 'p', name: 'all', enabled: true, rules: [rule('a'), rule('b')] }],
};

describe('intentChanges', () => {
  it('are none between equal intents', () => {
    expect(intentChanges(INTENT, structuredClone(INTENT))).toEqual([]);
  });

  it('name every object of the first revision', () => {
    const added = intentChanges(undefined, INTENT);
    expect(added.map(({ change, noun, name }) => [change, noun, name])).toEqual([
      ['added', 'tenant', 'tenant'],
      ['added', 'site', 'berlin'],
      ['added', 'network', 'lan'],
      ['added', 'policy', 'all'],
      ['added', 'rule', 'rule a'],
      ['added', 'rule', 'rule b'],
    ]);
    expect(
      intentChanges(INTENT, { ...INTENT, sites: [], networks: [], policies: [] }).map(({ change }) => change),
    ).toEqual(Array.from({ length: 5 }, () => 'removed'));
  });

  it('say which field was what and is what, and that rules have changed places', () => {
    const after: FabricIntent = {
      ...INTENT,
      keyingMode: 'ike-less',
      networks: [{ id: 'n', siteId: 's', name: 'lan', prefix: '10.0.0.0/9' }],
      policies: [{ id: 'p', name: 'all', enabled: true, rules: [rule('b'), { ...rule('a'), action: 'DISCARD' }] }],
    };
    expect(intentChanges(INTENT, after).map(({ noun, id, fields }) => [noun, id, fields])).toEqual([
      ['tenant', 't', [{ field: 'keyingMode', before: 'ikev2', after: 'ike-less' }]],
      ['network', 'n', [{ field: 'prefix', before: '10.0.0.0/8', after: '10.0.0.0/9' }]],
      ['rule', 'b', [{ field: 'position', before: 2, after: 1 }]],
      [
        'rule',
        'a',
        [
          { field: 'action', before: 'PROTECT', after: 'DISCARD' },
          { field: 'position', before: 1, after: 2 },
        ],
      ],
    ]);
  });
});
