import { PathMtuSource, type PathStatus } from '@weft/contracts/southbound';
import { describe, expect, it } from 'vitest';
import { tunnelPath } from './tunnel-path.js';

const PATH: PathStatus = {
  pathMtu: 1400,
  source: PathMtuSource.PATH_MTU_SOURCE_ICMP,
  outerIpHeader: 20,
  udpHeader: 8,
  espOverhead: 34,
  unused: 2,
  largestPacket: 1336,
  maximumSegmentSize4: 1296,
  maximumSegmentSize6: 0,
  roundTripMicroseconds: 12_345,
  roundTripProbes: 20n,
  roundTripAnswers: 17n,
};

describe('the path of a tunnel', () => {
  it('is what its edge reports, and segments that are not held to a size are said to be so', () => {
    const { roundTripMicroseconds: _, ...figures } = PATH;
    const expected = {
      ...figures,
      source: 'icmp',
      maximumSegmentSize6: null,
      roundTripProbes: 20,
      roundTripAnswers: 17,
    };
    expect(tunnelPath({ path: PATH })).toEqual({ ...expected, roundTripMilliseconds: 12.345 });
    expect(tunnelPath({ path: { ...PATH, roundTripMicroseconds: 0 } })?.roundTripMilliseconds).toBeNull();
  });

  it('is not known of an edge that says nothing, or what this controller does not understand', () => {
    expect(tunnelPath(undefined)).toBeNull();
    expect(tunnelPath({})).toBeNull();
    expect(tunnelPath({ path: { ...PATH, source: PathMtuSource.UNRECOGNIZED } })).toBeNull();
    expect(tunnelPath({ path: { ...PATH, source: PathMtuSource.PATH_MTU_SOURCE_UNSPECIFIED } })).toBeNull();
  });
});
