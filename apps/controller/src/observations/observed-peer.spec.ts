import { TunnelStatus } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { observedPeer } from './observed-peer.js';

function said(remote: { address: string; port: number } | undefined): TunnelStatus {
  const ike = { established: true, keyExchangeMethods: [], ppk: false, failure: '', rekeys: 0n };
  return { ...TunnelStatus.fromPartial({}), ike: { ...ike, remote, localBehindNat: false } };
}

describe('where an edge meets its peer', () => {
  it('is what it says', () => {
    const remote = { address: '198.51.100.7', port: 40_001 };
    expect(observedPeer(said(remote))).toEqual(remote);
    expect(observedPeer(said({ address: '2001:db8::7', port: 4500 }))).toEqual({
      address: '2001:db8::7',
      port: 4500,
    });
  });

  it('is nothing without an IKE SA, when the controller makes the keys, and when it is no endpoint', () => {
    expect(observedPeer(undefined)).toBeNull();
    expect(observedPeer(TunnelStatus.fromPartial({}))).toBeNull();
    expect(observedPeer(said(undefined))).toBeNull();
    for (const address of ['', 'gateway.example', '192.0.2.0/24', '<b>', `${'1'.repeat(1000)}`])
      expect(observedPeer(said({ address, port: 4500 }))).toBeNull();
    for (const port of [0, 65_536]) expect(observedPeer(said({ address: '192.0.2.1', port }))).toBeNull();
  });
});
