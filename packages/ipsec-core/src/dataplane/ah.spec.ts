import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ipPacket, udp } from '../../test/support/packets.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import type { AhAssociationParameters } from '../policy/security-association-parameters.js';
import { createSecurityPolicyDatabase } from '../policy/spd.js';
import { createDataPlane, type DataPlane } from './data-plane.js';

const ASSOCIATION: Omit<AhAssociationParameters, 'direction'> = {
  tunnelId: 't',
  spi: 0x1000,
  protocol: 'ah',
  mode: 'transport',
  integrity: 'hmac-sha2-256-128',
  keyingMaterial: new Uint8Array(32).fill(1),
  extendedSequenceNumbers: false,
  replayWindow: 64,
  softLifetimeMilliseconds: 1e6,
  hardLifetimeMilliseconds: 1e6,
};

function plane(direction: 'inbound' | 'outbound', provider = nobleProvider): DataPlane {
  const made = createDataPlane({ provider, random: (out) => void out.fill(0) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any', localPorts: [], remotePorts: [] } as const;
  made.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  made.install({ ...ASSOCIATION, direction }, 0);
  return made;
}

const CLEAR = ipPacket({ source: '10.1.0.1', destination: '10.2.0.2', payload: udp(1, 2, 20) });
const AT = 20;

describe('packets with AH', () => {
  const sender = plane('outbound');
  const seal = () => {
    const out = new Uint8Array(CLEAR.length + 60);
    return out.slice(0, sender.protect(CLEAR, 0, CLEAR.length, out, 0, 1).length);
  };

  it.each([
    ['without an association', 'unknown_spi', (packet: Uint8Array) => void packet.set([9], AT + 4)],
    ['with a header shorter than its ICV', 'malformed_ah', (packet: Uint8Array) => void packet.set([3], AT + 1)],
    ['with more padding than alignment needs', 'malformed_ah', (packet: Uint8Array) => void packet.set([6], AT + 1)],
    ['with a header beyond the packet', 'malformed_ah', (packet: Uint8Array) => void packet.set([255], AT + 1)],
    ['with another payload', 'integrity_failed', (packet: Uint8Array) => void packet.set([0xff], packet.length - 1)],
    ['with another ICV', 'integrity_failed', (packet: Uint8Array) => void packet.set([0xff, 0xfe], AT + 20)],
    ['with another next header', 'integrity_failed', (packet: Uint8Array) => void packet.set([6], AT)],
    ['with reserved octets that were zero', 'integrity_failed', (packet: Uint8Array) => void packet.set([1], AT + 2)],
    ['with another number', 'integrity_failed', (packet: Uint8Array) => void packet.set([40], AT + 11)],
  ])('are refused %s', (_, reason, change) => {
    const receiver = plane('inbound');
    const packet = seal();
    const open = (octets: Uint8Array) =>
      receiver.openIp(octets, 0, octets.length, new Uint8Array(octets.length), 0, 1).reason;
    const changed = packet.slice();
    change(changed);
    expect(open(changed)).toBe(reason);
    // Nothing of it moved the window.
    expect(open(packet)).toBeUndefined();
    expect(open(packet)).toBe('replayed');
  });

  it('are refused, when replayed, before anything is computed', () => {
    let computed = 0;
    const mac: typeof nobleProvider.mac = (...parameters) => {
      const keyed = nobleProvider.mac(...parameters);
      const compute: typeof keyed.compute = (...call) => {
        computed++;
        keyed.compute(...call);
      };
      return { ...keyed, compute };
    };
    const receiver = plane('inbound', { ...nobleProvider, mac });
    const packet = seal();
    const open = () => receiver.openIp(packet, 0, packet.length, new Uint8Array(packet.length), 0, 1).reason;
    expect([open(), open(), open()]).toEqual([undefined, 'replayed', 'replayed']);
    expect(computed).toBe(1);
  });

  it('are taken with reserved octets that are not zero, where the ICV covers them (RFC 4302 section 2.3)', () => {
    const packet = seal();
    packet.set([0x12, 0x34], AT + 2);
    const covered = packet.slice();
    for (const at of [1, 6, 7, 8, 10, 11]) covered[at] = 0;
    covered.fill(0, AT + 12, AT + 28);
    const icv = createHmac('sha256', ASSOCIATION.keyingMaterial).update(covered).digest();
    packet.set(icv.subarray(0, 16), AT + 12);
    const out = new Uint8Array(packet.length);
    const { length, reason } = plane('inbound').openIp(packet, 0, packet.length, out, 0, 1);
    expect(reason).toBeUndefined();
    expect(out.slice(0, length)).toEqual(CLEAR);
  });
});
