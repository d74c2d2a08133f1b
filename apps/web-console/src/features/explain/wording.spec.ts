import { describe, expect, it } from 'vitest';
import { addressesText, arithmeticText, cipherText, placeText, protectionText } from './wording.js';

describe('an explanation in words', () => {
  it('names the networks of an entry, and how many are left out', () => {
    expect(addressesText(null)).toBe('every network of the edge');
    expect(addressesText({ ranges: ['10.1.0.0/16'], more: 0 })).toBe('10.1.0.0/16');
    expect(addressesText({ ranges: ['10.1.0.0/16', '10.3.0.1-10.3.0.9'], more: 3 })).toBe(
      '10.1.0.0/16, 10.3.0.1-10.3.0.9 and 3 more',
    );
  });

  it('names a site with what it knows the address by, where that is not what the fabric does', () => {
    expect(placeText(null)).toBe('none');
    expect(placeText({ id: 'b', name: 'berlin' })).toBe('berlin');
    expect(placeText({ id: 'b', name: 'berlin', siteAddress: '192.168.0.7' })).toBe('berlin (there 192.168.0.7)');
  });

  it('adds up the octets of the largest packet as the controller does', () => {
    const parts = { outerHeaders: 28, espHeader: 8, iv: 8, trailer: 2, icv: 16, innerMtu: 1_438 };
    expect(arithmeticText({ ...parts, udp: true, underlayMtu: 1_500, outerLength: 1_500 }, ASSOCIATION)).toBe(
      '1438 packet + 28 IP and UDP + 8 ESP + 8 IV + 2 trailer + 16 ICV = 1500 of 1500 octets',
    );
    const ah = { outerHeaders: 20, espHeader: 12, iv: 0, trailer: 0, icv: 16, innerMtu: 1_452 };
    expect(arithmeticText({ ...ah, udp: false, underlayMtu: 1_500, outerLength: 1_500 }, AH_ASSOCIATION)).toBe(
      '1452 packet + 20 IP + 12 AH + 16 ICV = 1500 of 1500 octets',
    );
  });

  it('adds no other header where a packet keeps its own, and says so', () => {
    const parts = { outerHeaders: 0, espHeader: 8, iv: 8, trailer: 2, icv: 16, innerMtu: 1_466 };
    const host = {
      ...ASSOCIATION,
      mode: 'transport' as const,
      esp: { ...ASSOCIATION.esp, encapsulation: 'none' as const },
    };
    expect(arithmeticText({ ...parts, udp: false, underlayMtu: 1_500, outerLength: 1_500 }, host)).toBe(
      '1466 packet + 8 ESP + 8 IV + 2 trailer + 16 ICV = 1500 of 1500 octets',
    );
    expect(protectionText(host)).toBe('from host to host (transport mode), ESP by itself: encrypted and authenticated');
  });

  it('says how long sequence numbers are', () => {
    const text = (extendedSequenceNumbers: boolean) =>
      cipherText({ ...ASSOCIATION, esp: { ...ASSOCIATION.esp, extendedSequenceNumbers } });
    expect(text(true)).toBe('AES-GCM-16, 256 bits, 64-bit sequence numbers, replay window 4096');
    expect(text(false)).toContain('32-bit');
  });

  it('says plainly whether somebody on the underlay can read it', () => {
    expect(protectionText(ASSOCIATION)).toBe('ESP in UDP: encrypted and authenticated');
    const native = { ...ASSOCIATION, esp: { ...ASSOCIATION.esp, encapsulation: 'none' as const } };
    expect(protectionText(native)).toBe('ESP by itself: encrypted and authenticated');
    expect(protectionText(AH_ASSOCIATION)).toBe(
      'AH: authenticated, NOT ENCRYPTED, everybody on the underlay can read it',
    );
    expect(cipherText(AH_ASSOCIATION)).toBe(
      'hmac-sha2-256-128, no encryption, 64-bit sequence numbers, replay window 1024',
    );
  });
});

const ASSOCIATION = {
  keyingMode: 'ikev2' as const,
  mode: 'tunnel' as const,
  local: { address: '192.0.2.1', port: 4_500 },
  remote: { address: '192.0.2.2', port: 4_500 },
  localIdentity: 'a',
  remoteIdentity: 'b',
  profile: null,
  esp: {
    encryption: 'AES-GCM-16',
    keyBits: 256,
    replayWindow: 4_096,
    extendedSequenceNumbers: true,
    encapsulation: 'udp' as const,
  },
  ah: null,
  ike: null,
  tunnelStart: null,
};
const AH_ASSOCIATION = {
  ...ASSOCIATION,
  esp: null,
  ah: { integrity: 'hmac-sha2-256-128', replayWindow: 1_024, extendedSequenceNumbers: true },
};
