import { describe, expect, it } from 'vitest';
import type { Tunnel } from '../../api/index.js';
import { hostsBySite, hostsMark } from './remote-hosts.js';

const tunnel = (state: Tunnel['state'], siteName: string, externalPeer: object | null) =>
  ({ state, externalPeer, edges: [{ siteId: `id of ${siteName}`, siteName }] }) as unknown as Tunnel;
const host = (state: Tunnel['state'], siteName: string, name: string) =>
  tunnel(state, siteName, { id: name, name, address: null, port: null });

describe('remote hosts on the canvas', () => {
  it('stand together by the site that they come to, and gateways and edges by themselves', () => {
    const gateway = tunnel('up', 'Berlin', { id: 'p', name: 'partner', address: '203.0.113.99', port: 4500 });
    const tunnels = [
      host('waiting', 'Berlin', 'b10'),
      gateway,
      host('up', 'Aachen', 'a'),
      tunnel('up', 'Berlin', null),
      host('up', 'Berlin', 'b2'),
    ];
    const found = hostsBySite(tunnels).map(({ siteId, tunnels: of }) => [siteId, of.map((t) => t.externalPeer?.name)]);
    expect(found).toEqual([
      ['id of Aachen', ['a']],
      ['id of Berlin', ['b2', 'b10']],
    ]);
  });

  it('are counted, and those that are away are no fault', () => {
    const markOf = (...states: Tunnel['state'][]) => {
      const [hosts] = hostsBySite(states.map((state, index) => host(state, 'Berlin', `${index}`)));
      return hosts && hostsMark(hosts);
    };
    expect(markOf('waiting', 'waiting')).toEqual({ tone: 'idle', label: '0 of 2 connected' });
    expect(markOf('up', 'waiting')).toEqual({ tone: 'up', label: '1 of 2 connected' });
    expect(markOf('up', 'establishing')).toEqual({ tone: 'busy', label: '1 of 2 connected' });
    expect(markOf('up', 'waiting', 'down')).toEqual({ tone: 'down', label: '1 of 3 connected' });
  });
});
