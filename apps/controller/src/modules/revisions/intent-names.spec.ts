import type { FabricIntent } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { intentChanges } from './intent-changes.js';
import { namesIn } from './intent-names.js';

const INTENT: FabricIntent = {
  tenantId: 't',
  sites: [
    { id: 's1', name: 'berlin' },
    { id: 's2', name: 'tokyo' },
  ],
  networks: [{ id: 'n1', siteId: 's1', name: 'lan', prefix: '10.1.0.0/16' }],
  edges: [],
  policies: [],
  services: [{ id: 'v1', name: 'dns', services: [{ protocol: 'udp', ports: [] }] }],
};
const rule = (networkId: string) => ({
  id: 'p1',
  name: 'mesh',
  enabled: true,
  rules: [
    {
      id: 'r1',
      name: 'web',
      action: 'PROTECT' as const,
      sources: [{ kind: 'network' as const, networkId }],
      destinations: [{ kind: 'any' as const }],
      services: [],
      serviceIds: ['v1', 'gone'],
    },
  ],
});
const names = (before: FabricIntent | undefined, after: FabricIntent) =>
  namesIn(intentChanges(before, after), before, after);

describe('namesIn', () => {
  it('says what a field names, whoever else there is, and nothing of what nobody knows', () => {
    const after = { ...INTENT, policies: [rule('n1')] };
    expect(names(INTENT, after)).toEqual([
      { id: 'n1', name: 'berlin/lan' },
      { id: 'v1', name: 'dns' },
      { id: 'p1', name: 'mesh' },
    ]);
    expect(names(INTENT, INTENT)).toEqual([]);
  });

  it('knows what has gone, and calls what stays as it is called now', () => {
    const before: FabricIntent = { ...INTENT, topology: { kind: 'hub_and_spoke', hubSiteIds: ['s1', 's2'] } };
    const sites = [{ id: 's1', name: 'Berlin' }];
    const after: FabricIntent = { ...INTENT, sites, topology: { kind: 'hub_and_spoke', hubSiteIds: ['s1'] } };
    expect(names(before, after)).toEqual([
      { id: 's1', name: 'Berlin' },
      { id: 's2', name: 'tokyo' },
    ]);
  });
});
