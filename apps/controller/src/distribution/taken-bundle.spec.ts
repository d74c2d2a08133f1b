import { Bundle } from '@weft/contracts/southbound';
import type { EdgeBundle } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle-content.js';
import type { EdgeAssignment } from './edge-assignment.js';
import { singlePathHash, takenByAgent } from './taken-bundle.js';

const OTHERS = [
  { address: '198.51.100.1', port: 4500 },
  { address: '2001:db8::1', port: 4500 },
];
const WATCH = { probeIntervalMilliseconds: 1000, missedProbes: 3, holdDownSeconds: 30 };
const TUNNEL = {
  tunnelId: 'tunnel',
  peerEdgeId: 'peer',
  peerName: 'tokyo',
  remote: { address: '203.0.113.2', port: 4500 },
  keying: { mode: 'ike-less' },
  profile: { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 1024, extendedSequenceNumbers: true },
} as const;
const SINGLE: EdgeBundle = {
  tenantId: 'tenant',
  edgeId: 'edge',
  device: { mtu: 1400 },
  underlay: { address: '203.0.113.1', port: 4500 },
  tunnels: [TUNNEL],
  securityPolicies: [],
  routes: ['10.1.0.0/16'],
  localNetworks: [],
  networkMappings: [],
  tunnelGroups: [],
};

const assigned = (compiled: EdgeBundle): EdgeAssignment => {
  const content = encodeBundle(compiled);
  const desired = { revision: 3, generation: 7n, ...content, bundle: decodeBundle(content.octets) };
  return {
    tenantId: 'tenant',
    edgeId: 'edge',
    desired,
    applied: undefined,
    rejection: undefined,
    removalAgreedBy: undefined,
  };
};

describe('a bundle that names several uplinks', () => {
  it.each<[string, Partial<EdgeBundle>]>([
    ['of the edge', { otherUnderlays: OTHERS, pathWatch: WATCH }],
    ['of a peer', { tunnels: [{ ...TUNNEL, otherRemotes: OTHERS }], pathWatch: WATCH }],
    ['of the edge, which has tunnels with nobody', { tunnels: [], otherUnderlays: OTHERS }],
  ])('%s is for agents that take them; others are given what they knew before there were any', (_, change) => {
    const several = assigned({ ...SINGLE, ...change });
    expect(takenByAgent(several, true)).toBe(several);
    const { desired } = takenByAgent(several, false);
    const plain = assigned({ ...SINGLE, ...(change.tunnels?.length === 0 ? { tunnels: [] } : {}) }).desired;
    expect(desired).toEqual(plain);
    expect(singlePathHash(several.desired)).toEqual(plain.hash);
    expect(Buffer.from(Bundle.encode(desired.bundle).finish()).equals(desired.octets)).toBe(true);
    expect(desired.hash.equals(several.desired.hash)).toBe(false);
  });

  it('says them in order', () => {
    const { bundle } = assigned({
      ...SINGLE,
      otherUnderlays: OTHERS,
      pathWatch: WATCH,
      tunnels: [{ ...TUNNEL, otherRemotes: OTHERS }],
    }).desired;
    expect(bundle.otherUnderlays?.endpoints).toEqual(OTHERS);
    expect(bundle.pathWatch).toEqual(WATCH);
    expect(bundle.tunnels.map(({ otherRemotes }) => otherRemotes?.endpoints)).toEqual([OTHERS]);
  });

  it('that names none is the same for everybody', () => {
    const single = assigned(SINGLE);
    expect(takenByAgent(single, false)).toBe(single);
    expect(singlePathHash(single.desired)).toBeUndefined();
  });
});
