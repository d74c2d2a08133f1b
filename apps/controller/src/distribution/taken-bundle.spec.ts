import { Bundle, Hello } from '@weft/contracts/southbound';
import type { EdgeBundle } from '@weft/fabric-compiler';
import { describe, expect, it } from 'vitest';
import { decodeBundle, encodeBundle } from './bundle-content.js';
import type { EdgeAssignment } from './edge-assignment.js';
import { TAKES_EVERYTHING, takenBy, takenByAgent } from './taken-bundle.js';

const OTHERS = [
  { address: '198.51.100.1', port: 4500 },
  { address: '2001:db8::1', port: 4500 },
];
const ONE_UPLINK = { severalUplinks: false, tunnelsByAddress: true };
const LIST = [{ first: Uint8Array.of(10, 1, 0, 0), last: Uint8Array.of(10, 1, 0, 255) }];
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
    expect(takenByAgent(several, TAKES_EVERYTHING)).toBe(several);
    const { desired } = takenByAgent(several, ONE_UPLINK);
    const plain = assigned({ ...SINGLE, ...(change.tunnels?.length === 0 ? { tunnels: [] } : {}) }).desired;
    expect(desired).toEqual({ ...plain, storedHash: several.desired.hash });
    expect(takenByAgent(several, ONE_UPLINK).desired.octets).toBe(desired.octets);
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
    expect(takenByAgent(single, { severalUplinks: false, tunnelsByAddress: false })).toBe(single);
  });
});

describe('a bundle whose entries leave it to the address which tunnel their packets go into', () => {
  const BY_ADDRESS: EdgeBundle = {
    ...SINGLE,
    otherUnderlays: OTHERS,
    tunnels: [{ ...TUNNEL, carries: [LIST] }],
    securityPolicies: [
      {
        entryId: 'entry',
        ruleId: 'rule',
        action: 'PROTECT',
        selector: { localAddresses: LIST, remoteAddresses: LIST, protocol: 'any', localPorts: [], remotePorts: [] },
      },
    ],
  };

  it('is for agents that take that, with or without the uplinks; others are given tunnels by name', () => {
    const assignment = assigned(BY_ADDRESS);
    expect(takenByAgent(assignment, TAKES_EVERYTHING)).toBe(assignment);
    const hashes = new Set<string>();
    for (const severalUplinks of [true, false]) {
      for (const tunnelsByAddress of [true, false]) {
        const { desired } = takenByAgent(assignment, { severalUplinks, tunnelsByAddress });
        const { bundle, octets, hash, generation, revision } = desired;
        expect(bundle.otherUnderlays === undefined).toBe(!severalUplinks);
        expect(bundle.securityPolicies.map(({ tunnelId }) => tunnelId)).toEqual(
          tunnelsByAddress ? [''] : ['tunnel', ''],
        );
        expect(bundle.addressSets.length).toBe(tunnelsByAddress ? 1 : 0);
        expect(Buffer.from(Bundle.encode(bundle).finish()).equals(octets)).toBe(true);
        expect([generation, revision]).toEqual([7n, 3]);
        hashes.add(hash.toString('hex'));
      }
    }
    expect(hashes.size).toBe(4);
  });

  it('is known to be run by an agent that runs it in the form that it takes', () => {
    const assignment = assigned(BY_ADDRESS);
    const { desired } = takenByAgent(assignment, { severalUplinks: true, tunnelsByAddress: false });
    expect(desired.storedHash).toEqual(assignment.desired.hash);
    expect(assignment.desired.storedHash).toBeUndefined();
  });

  it.each([
    [{}, { severalUplinks: false, tunnelsByAddress: false }],
    [{ severalUplinks: true }, { severalUplinks: true, tunnelsByAddress: false }],
    [{ severalUplinks: true, tunnelsByAddress: true }, TAKES_EVERYTHING],
  ])('is for who says so: %o', (said, takes) => {
    expect(takenBy(Hello.fromPartial(said))).toEqual(takes);
  });
});
