import { type CryptoProvider, type KeyedAead, type KeyedGmac, type KeyedMac, nobleProvider } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { formatReport, runConformance } from './index.js';

/** A suite that has never caught anything proves nothing: each provider here is wrong in one way. */
const MUTANTS: Readonly<Record<string, Partial<CryptoProvider>>> = {
  'has no name': { name: '' },
  'lists an algorithm twice': { macs: ['hmac-sha1', 'hmac-sha1'] },
  'lists what nobody knows': { ciphers: ['rot13' as 'aes-cbc'] },
  'takes any tag': aeadWith((aead) => ({
    ...aead,
    open(...call) {
      aead.open(...call);
      return true;
    },
  })),
  'compares eight octets of the tag': {
    aead: (algorithm, key, tagLength, direction) => {
      const whole = nobleProvider.aead(algorithm, key, tagLength, direction);
      const short = nobleProvider.aead(algorithm, key, 8, direction);
      return { ...whole, open: (...call) => (algorithm === 'aes-gcm' ? short : whole).open(...call) };
    },
  },
  'forgets the additional data': aeadWith((aead) => ({
    ...aead,
    open: (nonce, aad, _, ...rest) => aead.open(nonce, aad, 0, ...rest),
    seal: (nonce, aad, _, ...rest) => aead.seal(nonce, aad, 0, ...rest),
  })),
  'writes plaintext before it has checked': aeadWith((aead) => ({
    ...aead,
    open(nonce, aad, aadLength, buffer, offset, length, out, outOffset) {
      const opened = aead.open(nonce, aad, aadLength, buffer, offset, length, out, outOffset);
      if (!opened) out.set(plainOf(length), outOffset);
      return opened;
    },
  })),
  'writes behind the tag': aeadWith((aead) => ({
    ...aead,
    seal(nonce, aad, aadLength, buffer, offset, length) {
      aead.seal(nonce, aad, aadLength, buffer, offset, length);
      buffer[buffer.length - 1] = 0;
    },
  })),
  'counts from the start of the array': aeadWith((aead) => ({
    ...aead,
    open: (nonce, aad, aadLength, buffer, _, length, out) =>
      aead.open(nonce, aad, aadLength, buffer, 0, length, out, 0),
  })),
  'moves the ciphertext octet by octet over itself': aeadWith((aead) => ({
    ...aead,
    open(nonce, aad, aadLength, buffer, offset, length, out, outOffset) {
      if (out !== buffer || outOffset <= offset) {
        return aead.open(nonce, aad, aadLength, buffer, offset, length, out, outOffset);
      }
      for (let i = 0; i < length + 16; i++) out[outOffset + i] = buffer[offset + i] ?? 0;
      return aead.open(nonce, aad, aadLength, out, outOffset, length, out, outOffset);
    },
  })),
  'borrows the key': {
    aead: (algorithm, key, tagLength, direction) => ({
      seal: (...call) => nobleProvider.aead(algorithm, key, tagLength, direction).seal(...call),
      open: (...call) => nobleProvider.aead(algorithm, key, tagLength, direction).open(...call),
      destroy: () => undefined,
    }),
  },
  'changes the IV it was given': {
    cipher: (algorithm, key, direction) => {
      const cipher = nobleProvider.cipher(algorithm, key, direction);
      return {
        ...cipher,
        apply(iv, ...rest) {
          cipher.apply(iv, ...rest);
          iv[15] = (iv[15] ?? 0) + 1;
        },
      };
    },
  },
  'encrypts in both directions': {
    cipher: (algorithm, key) => nobleProvider.cipher(algorithm, key, 'outbound'),
  },
  'shares one state between objects of one key': {
    mac: (algorithm, key) => {
      const shared = SHARED.get(algorithm) ?? nobleProvider.mac(algorithm, key);
      SHARED.set(algorithm, shared);
      return { ...shared, destroy: () => shared.destroy(), compute: (...call) => shared.compute(...call) };
    },
  },
  'truncates the value of a MAC': {
    mac: (algorithm, key) => {
      const mac = nobleProvider.mac(algorithm, key);
      return {
        ...mac,
        compute(buffer, offset, length, out) {
          const value = new Uint8Array(64);
          mac.compute(buffer, offset, length, value);
          out.set(value.subarray(0, 12));
        },
      };
    },
  },
  'forgets the tail of a MAC': {
    mac: (algorithm, key) => {
      const mac = nobleProvider.mac(algorithm, key);
      return { ...mac, compute: (buffer, offset, length, out) => mac.compute(buffer, offset, length, out) };
    },
  },
  'puts the tail of GMAC in front': gmacWith((gmac) => ({
    ...gmac,
    compute: (nonce, head, buffer, offset, length, tail, out) =>
      gmac.compute(nonce, Uint8Array.of(...tail, ...head), buffer, offset, length, new Uint8Array(0), out),
  })),
  'forgets the head of GMAC': gmacWith((gmac) => ({
    ...gmac,
    compute: (nonce, _, ...rest) => gmac.compute(nonce, new Uint8Array(0), ...rest),
  })),
  'borrows the key of GMAC': {
    gmac: (key) => ({
      compute: (...call) => nobleProvider.gmac(key).compute(...call),
      destroy: () => undefined,
    }),
  },
};

const SHARED = new Map<string, KeyedMac>();
/** One algorithm of each kind is enough to go wrong with. */
const FEW = { aeads: ['aes-gcm'], ciphers: ['aes-cbc'], macs: ['hmac-sha1'] } as const;

describe('the conformance suite', () => {
  it.each(Object.keys(MUTANTS))('catches a provider that %s', (name) => {
    const mutant: CryptoProvider = { ...nobleProvider, ...FEW, ...MUTANTS[name] };
    expect(runConformance([mutant], undefined).failures).not.toEqual([]);
  });

  it('says that the vectors are absent', () => {
    const text = formatReport(runConformance([nobleProvider], undefined));
    expect(text).toMatch(/^skipped every vector: .*WEFT_VECTORS/m);
    expect(text).toMatch(/^\d+ passed, 0 failed$/m);
  });
});

function aeadWith(change: (aead: KeyedAead) => KeyedAead): Partial<CryptoProvider> {
  return { aead: (...parameters) => change(nobleProvider.aead(...parameters)) };
}

function gmacWith(change: (gmac: KeyedGmac) => KeyedGmac): Partial<CryptoProvider> {
  return { gmac: (key) => change(nobleProvider.gmac(key)) };
}

/** The plaintext of the suite's forgeries. */
function plainOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + 3 * 31) & 0xff);
}
