import type { CryptoProvider } from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { expectDelivered } from './oracle.js';
import { Session, type Step } from './session.js';
import { LINES } from './world.js';

const shape = { kind: 'v4', destination: 1, size: 20, trafficClass: 0 } as const;
const send: Step = { do: 'send', shape, mutations: [] };
const arrive: Step = { do: 'receive', pick: 0, mutations: [] };
const damaged: Step = { do: 'receive', pick: 0, mutations: [{ op: 'flip', at: 30, bit: 0 }] };

function take(provider: CryptoProvider, steps: readonly Step[]): void {
  const session = new Session(provider);
  for (const step of steps) session.take(step);
  session.finish();
}

/** A guard that has never caught anything proves nothing: here each is given what it must catch. */
describe('the guards of the fuzzer', () => {
  it('let a sound provider pass', () => {
    expect(() => take(nodeCryptoProvider, [send, damaged, arrive, arrive])).not.toThrow();
  });

  it('leave room for the packet that a short fragment completes', () => {
    const fragment = { destination: 14, trafficClass: 0 } as const;
    const steps: readonly Step[] = [
      { do: 'send', shape: { ...fragment, kind: 'v4-later-fragment', size: 500 }, mutations: [] },
      {
        do: 'send',
        shape: { ...fragment, kind: 'v4-first-fragment', size: 8 },
        mutations: [{ op: 'set', at: 108, value: 0 }],
      },
    ];
    expect(() => take(nodeCryptoProvider, steps)).not.toThrow();
  });

  it('catch a provider that takes forgeries', () => {
    const gullible: CryptoProvider = {
      ...nodeCryptoProvider,
      aead: (...parameters) => {
        const aead = nodeCryptoProvider.aead(...parameters);
        return {
          ...aead,
          open(nonce, aad, aadLength, buffer, offset, length, out, outOffset) {
            const opened = aead.open(nonce, aad, aadLength, buffer, offset, length, out, outOffset);
            if (!opened) out.set([...INNER, 1, 2, 2, 4], outOffset);
            return true;
          },
        };
      },
    };
    expect(() => take(gullible, [send, damaged])).toThrow(/of the inner packet/);
  });

  it('catch a provider that reads beyond what it was told to', () => {
    const nosy: CryptoProvider = {
      ...nodeCryptoProvider,
      mac: (...parameters) => {
        const mac = nodeCryptoProvider.mac(...parameters);
        return { ...mac, compute: (buffer, offset, length, out) => mac.compute(buffer, offset, length + 30, out) };
      },
    };
    const toCbc: Step = { ...send, shape: { ...shape, destination: 6 } };
    expect(() => take(nosy, [toCbc])).toThrow(/in frame "poison of ones"/);
  });

  it('catch a provider that writes beyond the tag', () => {
    const sloppy: CryptoProvider = {
      ...nodeCryptoProvider,
      aead: (algorithm, key, tagLength, direction) => {
        const aead = nodeCryptoProvider.aead(algorithm, key, tagLength, direction);
        return {
          ...aead,
          seal(nonce, aad, aadLength, buffer, offset, length) {
            aead.seal(nonce, aad, aadLength, buffer, offset, length);
            buffer[offset + length + tagLength] = 0x77;
          },
        };
      },
    };
    expect(() => take(sloppy, [send])).toThrow(/what stands behind out was changed at 0/);
  });

  it('catch a second delivery, another tunnel and a packet of nobody', () => {
    const [line] = LINES;
    if (line === undefined) throw new Error('the world is empty');
    const sealed = { line, wire: INNER, clear: INNER, kept: 0, pieces: false, delivered: false };
    const answer = {
      verdict: 'deliver',
      reason: undefined,
      tunnelId: 'gcm',
      trafficClass: 0,
      more: false,
      icmpErrorLength: 0,
      octets: INNER,
      packet: INNER,
    };
    expectDelivered(answer, sealed);
    expect(() => expectDelivered(answer, sealed)).toThrow(/delivered twice/);
    expect(() => expectDelivered(answer, undefined)).toThrow(/nobody sealed/);
    expect(() => expectDelivered({ ...answer, tunnelId: 'ccm' }, { ...sealed, delivered: false })).toThrow(/by ccm/);
  });
});

/** 10.1.1.1 to 10.2.1.2, UDP 9 to 7, an octet of payload that was never sent. */
const INNER = Uint8Array.from([
  0x45,
  0,
  0,
  56,
  0,
  0,
  0,
  0,
  64,
  17,
  0x63,
  0xad,
  10,
  1,
  1,
  1,
  10,
  2,
  1,
  2,
  0,
  9,
  0,
  7,
  0,
  36,
  0,
  0,
  0xee,
  ...new Array<number>(27).fill(0),
]);
