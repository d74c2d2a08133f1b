import { randomFillSync } from 'node:crypto';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { association, selector } from '../../test/support/planes.js';
import { parseAddress } from '../wire/ip/address.js';
import { SecurityAssociationDatabase } from './sad.js';

const database = () =>
  new SecurityAssociationDatabase({ provider: nodeCryptoProvider, random: (out) => void randomFillSync(out) });
const outer = { local: parseAddress('192.0.2.1'), remote: parseAddress('192.0.2.2') };
const ah = {
  ...association('inbound'),
  protocol: 'ah',
  integrity: 'hmac-sha2-256-128',
  keyingMaterial: new Uint8Array(32),
  outer,
} as const;

describe('security association database (RFC 4301 section 4.4.2)', () => {
  it('has one space of inbound SPIs for ESP and AH, and finds each by SPI and protocol', () => {
    const sad = database();
    sad.install(association('inbound', { spi: 0x1000 }), 0);
    sad.install({ ...ah, spi: 0x2000 }, 0);
    for (const taken of [{ ...ah, spi: 0x1000 }, association('inbound', { spi: 0x2000 })]) {
      expect(() => sad.install(taken, 0)).toThrowError(expect.objectContaining({ code: 'SPI_IN_USE' }));
    }
    const found = [0x1000, 0x2000, 0x3000].map((spi) => [sad.inbound(spi)?.protocol, sad.inboundAh(spi)?.protocol]);
    expect(found).toEqual([
      ['esp', undefined],
      [undefined, 'ah'],
      [undefined, undefined],
    ]);
    // An outbound SPI is the peer's to choose: two peers may choose the same, and it may be one of ours.
    sad.install(association('outbound', { spi: 0x1000, tunnelId: 't' }), 0);
    sad.install(association('outbound', { spi: 0x1000, tunnelId: 'u' }), 0);
    expect(() => sad.install(association('outbound', { spi: 0x1000, tunnelId: 'u' }), 0)).toThrowError(/already/);
  });

  it('says of each association whether it is mature, dying or dead, by time, packets and octets', () => {
    const bounds = [
      { softLifetimeMilliseconds: 10, hardLifetimeMilliseconds: 20 },
      { softPackets: 2, hardPackets: 3 },
      { softBytes: 200, hardBytes: 300 },
      { softBytes: 200, hardBytes: 300, selectors: [selector([], [])], dscpValues: [1] },
    ];
    for (const more of bounds) {
      const sad = database();
      sad.install(association('outbound', more), 0);
      const installed = sad.tunnel('t').youngest;
      const after = (uses: number, now: number) => {
        for (let i = 0; i < uses; i++) installed?.count(100, now);
        const events = sad.expire(now).map(({ kind }) => kind);
        return [...events, installed?.state];
      };
      expect(after(1, 5)).toEqual(['mature']);
      expect(after(1, 10)).toEqual(['soft', 'dying']);
      expect(after(0, 11)).toEqual(['dying']);
      expect(after(1, 20)).toEqual(['hard', 'dead']);
      expect(sad.tunnel('t').youngest).toBeUndefined();
    }
    const sad = database();
    sad.install(association('inbound'), 0);
    const removed = sad.inbound(0x1000);
    sad.removeInbound(0x1000);
    expect(removed?.state).toBe('dead');
  });

  it('says once of each inbound association that its first packet came', () => {
    const sad = database();
    sad.install(association('inbound', { spi: 0x1000 }), 0);
    sad.install({ ...ah, spi: 0x2000 }, 0);
    expect(sad.newlyUsed()).toEqual([]);
    sad.inbound(0x1000)?.count(100, 1);
    expect(sad.newlyUsed()).toEqual([0x1000]);
    sad.inbound(0x1000)?.count(100, 2);
    sad.inboundAh(0x2000)?.count(100, 2);
    expect([sad.newlyUsed(), sad.newlyUsed()]).toEqual([[0x2000], []]);
  });

  it('forgets tunnels that nobody needs, and no association with them', () => {
    const sad = database();
    sad.install(association('inbound', { tunnelId: 'in', spi: 0x1000 }), 0);
    sad.install(association('outbound', { tunnelId: 'out', spi: 0x1000 }), 0);
    for (const tunnelId of ['named', 'gone']) sad.tunnel(tunnelId);
    sad.forgetTunnels((tunnelId) => tunnelId === 'named');
    expect(sad.tunnels().map(({ tunnelId }) => tunnelId)).toEqual(['in', 'out', 'named']);
    expect(sad.all()).toHaveLength(2);
  });
});
