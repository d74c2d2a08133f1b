import { describe, expect, it } from 'vitest';
import { pathText } from './path-text.js';

const PATH = {
  pathMtu: 1400,
  source: 'probe' as const,
  outerIpHeader: 20,
  udpHeader: 8,
  espOverhead: 34,
  unused: 2,
  largestPacket: 1336,
  maximumSegmentSize4: 1296,
  maximumSegmentSize6: 1276,
  roundTripMilliseconds: 1.234,
  roundTripProbes: 20,
  roundTripAnswers: 20,
};

describe('pathText', () => {
  it('shows how the largest packet comes about, leaving out what takes nothing', () => {
    expect(pathText(PATH, 'esp')).toEqual({
      largestPacket: '1336 octets',
      arithmetic: '1400 path MTU − 20 IP − 8 UDP − 34 ESP − 2 unused',
      foundBy: 'as the other end confirms',
      segments: '1296 in IPv4, 1276 in IPv6',
      roundTrip: '1.23 ms',
    });
    const plain = { ...PATH, udpHeader: 0, unused: 0, maximumSegmentSize4: null, maximumSegmentSize6: null };
    expect(pathText(plain, 'esp').arithmetic).toBe('1400 path MTU − 20 IP − 34 ESP');
    expect(pathText(plain, 'esp')).not.toHaveProperty('segments');
    expect(pathText({ ...PATH, roundTripMilliseconds: 250.4, roundTripAnswers: 17 }, 'esp').roundTrip).toBe(
      '250 ms, 3 of 20 probes without an answer',
    );
    expect(pathText({ ...PATH, roundTripMilliseconds: null }, 'esp')).not.toHaveProperty('roundTrip');
  });

  it('calls the octets of AH by their name', () => {
    expect(pathText({ ...PATH, udpHeader: 0 }, 'ah').arithmetic).toBe('1400 path MTU − 20 IP − 34 AH − 2 unused');
  });
});
