import type { PeerPlace } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { edgeIdentity } from './fabric-connections.js';
import { isBetweenTheSame } from './same-ends.js';

const endpoint = (last: number, port = 4500) => ({ address: Uint8Array.of(192, 0, 2, last), port });
const roaming = (last: number, port?: number): PeerPlace => ({ kind: 'roaming', endpoint: endpoint(last, port) });
const ends = () => ({
  local: endpoint(1),
  remote: roaming(2),
  localIdentity: edgeIdentity('tenant', 'here'),
  remoteIdentity: edgeIdentity('tenant', 'there'),
});

describe('A tunnel that another bundle has too', () => {
  it('goes on between the same ends at the same places', () => {
    expect(isBetweenTheSame(ends(), ends())).toBe(true);
    const anywhere = { ...ends(), remote: { kind: 'anywhere' } as const };
    expect(isBetweenTheSame(anywhere, { ...anywhere })).toBe(true);
  });

  it.each([
    ['another peer', { remoteIdentity: edgeIdentity('tenant', 'elsewhere') }],
    ['another name of ours', { localIdentity: edgeIdentity('tenant', 'elsewhere') }],
    ['another address of ours', { local: endpoint(9) }],
    ['another port of ours', { local: endpoint(1, 4501) }],
    ['another address of the peer', { remote: roaming(9) }],
    ['another port of the peer', { remote: roaming(2, 4501) }],
    ['a peer that may not roam', { remote: { kind: 'fixed', endpoint: endpoint(2) } }],
    ['a peer that comes from anywhere', { remote: { kind: 'anywhere' } }],
  ] as const)('is begun anew with %s', (_, change) => {
    expect(isBetweenTheSame(ends(), { ...ends(), ...change })).toBe(false);
    expect(isBetweenTheSame({ ...ends(), ...change }, ends())).toBe(false);
  });
});
