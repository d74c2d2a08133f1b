import { describe, expect, it } from 'vitest';
import type { ExternalPeer, Network, Policy, Site } from '../../api/index.js';
import { carriersOf, describeMember, rulesNaming } from './describe.js';

const site = (id: string, name: string, labels: Record<string, string>) => ({ id, name, labels }) as Site;
const names = {
  sites: [
    site('a', 'Amsterdam', { role: 'branch', region: 'emea' }),
    site('b', 'Berlin', { role: 'hub', region: 'emea' }),
    site('c', 'Chicago', { role: 'branch' }),
  ],
  networks: [{ id: 'n', name: 'LAN', prefix: '10.1.0.0/16', labels: { use: 'office' } } as unknown as Network],
  externalPeers: [{ id: 'p', name: 'Partner' } as ExternalPeer],
};

describe('a member of a group', () => {
  it.each([
    [{ kind: 'site', siteId: 'b' }, 'Berlin', undefined],
    [{ kind: 'site', siteId: 'gone' }, 'deleted site', undefined],
    [{ kind: 'network', networkId: 'n' }, 'LAN 10.1.0.0/16', undefined],
    [{ kind: 'network', networkId: 'gone' }, 'deleted network', undefined],
    [{ kind: 'prefix', prefix: '10.0.0.0/8' }, '10.0.0.0/8', undefined],
    [{ kind: 'external_peer', externalPeerId: 'p' }, 'Partner', undefined],
    [{ kind: 'external_peer', externalPeerId: 'gone' }, 'deleted external peer', undefined],
    [{ kind: 'site_labels', labels: { role: 'branch' } }, 'sites with role=branch', 2],
    [{ kind: 'site_labels', labels: { role: 'branch', region: 'emea' } }, 'sites with region=emea, role=branch', 1],
    [{ kind: 'network_labels', labels: { use: 'guests' } }, 'networks with use=guests', 0],
  ] as const)('%j is %s', (member, text, carriers) => {
    expect(describeMember(member, names)).toBe(text);
    expect(carriersOf(member, names)).toBe(carriers);
  });
});

describe('the rules that name a group', () => {
  it('are found on either side, each once', () => {
    const end = [{ kind: 'group', groupId: 'g' }];
    const any = [{ kind: 'any' }];
    const policies = [
      {
        name: 'Mesh',
        rules: [
          { name: 'out', sources: end, destinations: any },
          { name: 'within', sources: end, destinations: end },
          { name: 'other', sources: any, destinations: any },
        ],
      },
      { name: 'Guests', rules: [{ name: 'in', sources: any, destinations: end }] },
    ] as unknown as Policy[];
    expect(rulesNaming('g', policies)).toEqual(['Mesh: out', 'Mesh: within', 'Guests: in']);
    expect(rulesNaming('h', policies)).toEqual([]);
  });
});
