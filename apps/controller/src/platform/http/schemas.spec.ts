import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Description, Name, Prefix, UnderlayAddress } from './schemas.js';

/** Both families as one number, the slow and obvious way. */
const prefixes = fc.oneof(
  fc.record({
    bits: fc.constant(32),
    value: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    length: fc.integer({ min: 0, max: 32 }),
  }),
  fc.record({
    bits: fc.constant(128),
    value: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    length: fc.integer({ min: 0, max: 128 }),
  }),
);

function text(bits: number, value: bigint): string {
  const width = bits === 32 ? 8 : 16;
  const parts = Array.from(
    { length: bits / width },
    (_, index) => (value >> BigInt(bits - width * (index + 1))) & ((1n << BigInt(width)) - 1n),
  );
  return bits === 32 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
}

const rulesOf = (result: { error?: { issues: readonly object[] } | undefined }) =>
  (result.error?.issues ?? []).map((issue) => ('params' in issue ? (issue.params as { rule: string }).rule : 'other'));

describe('Prefix', () => {
  it('takes a prefix exactly when no bit behind its length is set', () => {
    fc.assert(
      fc.property(prefixes, fc.boolean(), ({ bits, value, length }, clear) => {
        const hostBits = BigInt(bits - length);
        const address = clear ? (value >> hostBits) << hostBits : value;
        const expected = (address >> hostBits) << hostBits === address ? [] : ['prefix_host_bits'];
        expect(rulesOf(Prefix.safeParse(`${text(bits, address)}/${length}`))).toEqual(expected);
      }),
    );
  });

  it.each(['::/0', '2001:db8::/32', '::ffff:10.0.0.0/104', '::1/128', '1::8/128'])(
    'reads the short form %s',
    (short) => {
      expect(Prefix.safeParse(short).success).toBe(true);
    },
  );

  it.each(['::ffff:10.0.0.1/104', '2001:db8::1/127', '1::9/127', '::1/64'])(
    'sees host bits in the short form %s',
    (short) => {
      expect(rulesOf(Prefix.safeParse(short))).toContain('prefix_host_bits');
    },
  );

  it.each(['10.0.0.0/-1', '10.0.0.0/1e1', '10.0.0.0/ 8', '/8', '10.0.0/8', '2001:db8::/129', '1::2::3/48'])(
    'refuses %s',
    (odd) => {
      expect(rulesOf(Prefix.safeParse(odd))).toContain('prefix_format');
    },
  );
});

describe('UnderlayAddress', () => {
  it.each(['203.0.113.1', '2001:db8::1', '::ffff:203.0.113.1'])('takes %s', (address) => {
    expect(UnderlayAddress.safeParse(address).success).toBe(true);
  });

  it.each(['fe80::1%eth0', '203.0.113.1/32', 'edge.example', '203.0.113', ''])('refuses %s', (address) => {
    expect(rulesOf(UnderlayAddress.safeParse(address))).toContain('address_format');
  });
});

describe('texts', () => {
  it.each(['a', 'Zürich 2', '東京', 'a b'])('take the name %s', (name) => {
    expect(Name.safeParse(name).success).toBe(true);
  });

  it.each(['', ' a', 'a ', 'a\n', 'a\u0000b', '\u202eb', '\ud800', '\u00a0a'])('refuse the name %j', (name) => {
    expect(Name.safeParse(name).success).toBe(false);
  });

  it('keep lines in descriptions and nothing that a database cannot hold', () => {
    expect(Description.safeParse('two\nlines\tand more').success).toBe(true);
    expect(Description.safeParse('a\u0000').success).toBe(false);
    expect(Description.safeParse('a\ud800').success).toBe(false);
  });
});
