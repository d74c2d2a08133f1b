import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryPacket, arbitraryPolicies, packetOctets } from '../../test/support/arbitrary-policy.js';
import { decideLinearly, UNDECIDED } from '../../test/support/linear-policy.js';
import { ipPacket } from '../../test/support/packets.js';
import { association, bypass, drops, plane, protect, selector } from '../../test/support/planes.js';
import type { SecurityPolicy } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';

const A = ['10.1.0.0/16'];
const B = ['10.2.0.0/16'];
/** Towards the edge that has B. */
const PACKET = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2' });

describe('cleartext from the unprotected side (RFC 4301 section 5.2)', () => {
  it('is dropped where policy wants protection, even while an association for it is up', () => {
    const b = plane([protect('e', selector(B, A)), bypass('rest', selector([], []))]);
    b.install(association('inbound'), 0);
    const received = { ...b.receiveClear(PACKET, 0, PACKET.length, 1) };
    expect(received).toEqual({ verdict: 'discard', tunnelId: 't', length: 0, reason: 'protection_required' });
    expect(drops(b)).toEqual({ protection_required: 1 });
    expect(b.policies()[0]).toMatchObject({ packets: 0n, inboundPackets: 1n, inboundBytes: BigInt(PACKET.length) });
  });

  it('passes where policy bypasses it in that direction, with what follows the packet in the buffer left out', () => {
    const b = plane([{ ...bypass('in', selector(B, A)), direction: 'inbound' } as SecurityPolicy]);
    const longer = Uint8Array.from([...PACKET, 1, 2, 3]);
    expect({ ...b.receiveClear(longer, 0, longer.length, 1) }).toEqual({
      verdict: 'bypass',
      tunnelId: '',
      length: PACKET.length,
      reason: undefined,
    });
    const reply = ipPacket({ source: '10.2.0.2', destination: '10.1.0.1' });
    expect(b.protect(reply, 0, reply.length, new Uint8Array(100), 0, 0).reason).toBe('no_policy');
    expect(b.receiveClear(PACKET, 0, 10, 1)).toMatchObject({ verdict: 'discard', reason: 'malformed_packet' });
  });

  it('is decided as a linear search of the SPD decides, and counted for the entry', () => {
    fc.assert(
      fc.property(
        arbitraryPolicies(20),
        fc.array(arbitraryPacket, { minLength: 1, maxLength: 10 }),
        (policies, packets) => {
          const made = plane(policies);
          const database = createSecurityPolicyDatabase(policies);
          const counts = policies.map(() => 0n);
          for (const packet of packets) {
            const octets = packetOctets(packet);
            // Each is decided for itself: no fragment before it counts.
            made.installPolicy(database);
            const decided = decideLinearly(policies, packet, 'inbound');
            const entry = policies[decided];
            const reason =
              decided === UNDECIDED
                ? 'fragment_without_ports'
                : { none: 'no_policy', PROTECT: 'protection_required', DISCARD: 'spd_discard', BYPASS: undefined }[
                    entry?.action ?? 'none'
                  ];
            expect(made.receiveClear(octets, 0, octets.length, 1)).toMatchObject({
              verdict: reason === undefined ? 'bypass' : 'discard',
              reason,
            });
            if (entry !== undefined) counts[decided] = (counts[decided] ?? 0n) + 1n;
          }
          expect(made.policies().map(({ inboundPackets }) => inboundPackets)).toEqual(counts);
        },
      ),
      { numRuns: 200 },
    );
  });
});
