import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes/hex.js';
import { Secret } from '../bytes/secret.js';
import { nobleProvider } from '../crypto/noble/noble-provider.js';
import { RootKeys } from './root-keys.js';
import { encodeState, parseState, type StoredState } from './stored-state.js';
import type { TunnelTerms } from './terms.js';

const terms: TunnelTerms = {
  fabric: 'acme',
  tunnelId: 'a-b',
  local: 'edge-a',
  remote: 'edge-b',
  epoch: 2n ** 40n,
  suite: { name: 'esp aes-gcm-16 256 esn', keyingMaterialLength: 36 },
  softLifetime: 1_000,
  hardLifetime: 2_000,
};

function rootOf(number: number): RootKeys {
  const { epoch, suite } = terms;
  const digest = new Uint8Array(48).fill(number);
  const name = { number, epoch, suite, bornAt: 2 ** 41 + number, offerDigest: digest, transcript: digest };
  const secret = () => new Secret(new Uint8Array(32).fill(number));
  return RootKeys.derive(nobleProvider, terms, name, secret(), secret());
}

function stateOf(...roots: readonly RootKeys[]): StoredState {
  const published = new Uint8Array(3_000).fill(7);
  return { elapsed: 2 ** 41 + 1, lastNow: 2 ** 42 + 3, highest: 9, inForce: 4, published, roots };
}

function parsed(octets: Uint8Array): StoredState {
  const result = parseState(nobleProvider, octets);
  if (!result.ok) throw new Error(JSON.stringify(result.problem));
  return result.value;
}

describe('what a tunnel stores', () => {
  it('is what it was, and goes on with the associations after those that were used', () => {
    const [four, five] = [rootOf(4), rootOf(5)];
    const used = [...four.inbound.open().map(({ spi }) => spi), four.nextOutbound()?.spi ?? 0];
    const octets = encodeState(stateOf(four, five)).reveal((value) => value.slice());
    const state = parsed(octets);
    expect(toHex(encodeState(state).reveal((value) => value.slice()))).toBe(toHex(octets));
    expect(state).toMatchObject({ elapsed: 2 ** 41 + 1, lastNow: 2 ** 42 + 3, highest: 9, inForce: 4 });
    const [restored] = state.roots;
    expect(restored?.name).toEqual(four.name);
    const next = [...(restored?.inbound.open() ?? []).map(({ spi }) => spi), restored?.nextOutbound()?.spi ?? 0];
    expect(next.filter((spi) => used.includes(spi))).toEqual([]);
  });

  it('holds no key of what was used', () => {
    const root = rootOf(4);
    const taken = [...root.inbound.open(), root.nextOutbound()];
    const stored = encodeState(stateOf(root)).reveal(toHex);
    for (const association of taken) {
      expect(stored).not.toContain(association?.keyingMaterial.reveal(toHex).slice(0, 16));
    }
  });

  it('is refused whole when it is cut, lengthened, or of another version', () => {
    const octets = encodeState(stateOf(rootOf(4))).reveal((value) => value.slice());
    for (let length = 0; length < octets.length; length += 11) {
      expect(parseState(nobleProvider, octets.subarray(0, length)).ok).toBe(false);
    }
    expect(parseState(nobleProvider, Uint8Array.of(...octets, 0)).ok).toBe(false);
    expect(parseState(nobleProvider, Uint8Array.of(2, ...octets.subarray(1)))).toMatchObject({
      problem: { code: 'bad_value', what: 'version of stored keys' },
    });
  });

  it('prints no key', () => {
    const state = stateOf(rootOf(4));
    const key = state.roots[0]?.outbound.reveal(toHex) ?? '';
    const shown = `${inspect(state, { depth: 9, showHidden: true })}${JSON.stringify(state, (_key, value) => (typeof value === 'bigint' ? String(value) : value))}${inspect(encodeState(state))}`;
    expect(shown).not.toContain(key.slice(0, 12));
    expect(shown).not.toContain([...Buffer.from(key, 'hex').subarray(0, 4)].join(', '));
  });
});
