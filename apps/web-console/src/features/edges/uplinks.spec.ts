import { describe, expect, it } from 'vitest';
import { moveText, uplinksOf, writtenAddresses } from './uplinks.js';

const EDGE = {
  underlayAddress: '203.0.113.7',
  otherUnderlayAddresses: ['2001:db8::7', '198.51.100.7'],
  underlayPort: 4500,
};
const at = (address: string) => ({ address, port: 4500, behindNat: false });

describe('the uplinks of an edge', () => {
  it('stand in order of preference, and each that a peer meets it at is in use', () => {
    expect(uplinksOf(EDGE, [at('198.51.100.7'), at('203.0.113.7')])).toEqual([
      { endpoint: '203.0.113.7:4500', inUse: true },
      { endpoint: '[2001:db8::7]:4500', inUse: false },
      { endpoint: '198.51.100.7:4500', inUse: true },
    ]);
  });

  it('are not known to be in use before a peer says so, nor behind a NAT', () => {
    for (const seen of [[], [at('192.0.2.1')]]) {
      expect(uplinksOf(EDGE, seen).some(({ inUse }) => inUse)).toBe(false);
    }
  });

  it('are taken however they are parted', () => {
    expect(writtenAddresses(' 198.51.100.7,2001:db8::7\n\n192.0.2.1 ')).toEqual([
      '198.51.100.7',
      '2001:db8::7',
      '192.0.2.1',
    ]);
    expect(writtenAddresses('')).toEqual([]);
  });
});

describe('a move to another path', () => {
  it.each([
    [{ cause: 'path_silent', count: 1 }, 'the peer did not answer on the path before'],
    [{ cause: 'peer_moved', count: 3 }, 'the peer went there, 3 times'],
    [{ cause: 'sun_spots', count: null }, 'sun spots'],
    [{ cause: null, count: null }, 'nobody said why'],
  ])('is told with its cause', (event, text) => {
    expect(moveText(event)).toBe(text);
  });
});
