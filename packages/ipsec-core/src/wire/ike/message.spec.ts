import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPayload } from '../../../test/ike/arbitrary-payloads.js';
import { loadVectors, skipReason, vectorsFolder } from '../../../test/ike/vectors.js';
import { fromHex, toHex } from '../../bytes/hex.js';
import { EXCHANGE, PAYLOAD } from './iana.js';
import { encodeMessage, parseMessage, parsePayloads } from './message.js';
import { checkPayloads } from './message-rules.js';
import { encodeChain } from './payload-chain.js';
import { identification } from './payloads/identification.js';
import { notify } from './payloads/notify.js';
import { type Payload, payloadType } from './payloads/registry.js';
import { transform } from './payloads/sa.js';

const HEADER = {
  initiatorSpi: fromHex('0102030405060708'),
  responderSpi: fromHex('0000000000000000'),
  exchange: EXCHANGE.IKE_SA_INIT,
  fromInitiator: true,
  response: false,
  messageId: 0,
};

interface Sample {
  readonly name: string;
  readonly message: string;
  readonly innerPayloads?: readonly { type: number; body: string }[];
  readonly payloads: readonly { type: number; body: string }[];
  readonly decrypted?: string;
  readonly openikedParseResult?: number;
}

describe('IKE messages', () => {
  it('come back from their octets unchanged, whatever payloads they carry', () => {
    fc.assert(
      fc.property(fc.array(anyPayload, { maxLength: 12 }), (payloads) => {
        const parsed = parseMessage(encodeMessage(HEADER, payloads));
        expect(parsed.ok && parsed.value.payloads).toEqual(payloads);
        const inner = encodeChain(payloads);
        expect(parsePayloads(inner.octets, inner.first)).toEqual({ ok: true, value: payloads });
      }),
      { numRuns: 300 },
    );
  });

  it('are copied into few ArrayBuffers, which outlive the datagram', () => {
    const selector = { type: 'range', protocol: 0, startPort: 0, endPort: 65_535 } as const;
    const selectors = [{ ...selector, first: fromHex('0a000000'), last: fromHex('0a0000ff') }];
    const octets = encodeMessage(HEADER, [
      { kind: 'Nonce', data: new Uint8Array(32).fill(1) },
      identification('IDi', { type: 2, data: new Uint8Array(20).fill(0x61) }),
      notify('COOKIE', new Uint8Array(16).fill(2)),
      { kind: 'TSi', selectors },
      { kind: 'TSr', selectors },
    ]);
    const parsed = parseMessage(octets);
    if (!parsed.ok) throw new Error('not a message');
    const strings = stringsIn(parsed.value);
    expect(strings.length).toBeGreaterThanOrEqual(10);
    expect(new Set(strings.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(5);
    const before = strings.map(toHex);
    octets.fill(0xff);
    expect(strings.map(toHex)).toEqual(before);
  });

  it('are refused, never thrown at the caller, when octets change, go missing or follow', () => {
    fc.assert(
      fc.property(
        fc.array(anyPayload, { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(),
        (payloads, changes, cut) => {
          const octets = encodeMessage(HEADER, payloads);
          expect(parseMessage(octets.subarray(0, cut % octets.length)).ok).toBe(false);
          expect(parseMessage(new Uint8Array([...octets, 0])).ok).toBe(false);
          for (const [at, value] of changes) octets[at % octets.length] = value;
          expect(typeof parseMessage(octets).ok).toBe('boolean');
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 60 }), (octets, first) => {
        expect(typeof parseMessage(octets).ok).toBe('boolean');
        expect(typeof parsePayloads(octets, first).ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse an unknown critical payload and pass an unknown one that is not', () => {
    const octets = encodeMessage(HEADER, [{ kind: 'unknown', type: 200, body: fromHex('aabb') }]);
    expect(parseMessage(octets).ok).toBe(true);
    octets[29] = 0x80;
    expect(parseMessage(octets)).toEqual({ ok: false, problem: { code: 'unsupported_critical', payloadType: 200 } });
  });

  it('ignore the critical bit on a payload they know, the minor version and reserved flags', () => {
    const octets = encodeMessage(HEADER, [{ kind: 'V', data: fromHex('aabb') }]);
    octets[29] = 0xff;
    octets[17] = 0x2f;
    octets[19] = 0xdf;
    expect(parseMessage(octets).ok).toBe(true);
  });

  it('name the major version they cannot speak', () => {
    const octets = encodeMessage(HEADER, []);
    octets[17] = 0x30;
    expect(parseMessage(octets)).toEqual({ ok: false, problem: { code: 'major_version', version: 3 } });
  });

  it('keep IDs as received, reserved octets included, because AUTH covers them', () => {
    const payload = identification('IDi', { type: 11, data: fromHex('01') });
    const octets = encodeMessage(HEADER, [payload]);
    octets[34] = 0x7f;
    const parsed = parseMessage(octets);
    expect(parsed.ok && parsed.value.payloads[0]).toMatchObject({ kind: 'IDi', body: fromHex('0b007f0001') });
  });
});

describe('Reserved fields, and the critical bit of payloads that are defined (RFC 7296 sections 2.5 and 3.2)', () => {
  const twoTransforms = [transform(1, 12, 256), transform(3, 12)];
  const sa: Payload = {
    kind: 'SA',
    proposals: [
      { number: 1, protocol: 3, spi: fromHex('01020304'), transforms: twoTransforms },
      { number: 2, protocol: 3, spi: fromHex('01020304'), transforms: [] },
    ],
  };
  const range = {
    type: 'range',
    protocol: 6,
    startPort: 1,
    endPort: 2,
    first: fromHex('0a000001'),
    last: fromHex('0a000002'),
  };

  /** Bits that are reserved, by their place behind the generic header. */
  it.each<readonly [string, Payload, readonly (readonly [at: number, bits: number])[]]>([
    // Proposal header 8, SPI 4, transforms of 12 and 8 octets, the second proposal.
    [
      'SA',
      sa,
      [
        [1, 0xff],
        [13, 0xff],
        [17, 0xff],
        [25, 0xff],
        [29, 0xff],
        [33, 0xff],
      ],
    ],
    [
      'KE',
      { kind: 'KE', method: 31, data: fromHex('0102') },
      [
        [2, 0xff],
        [3, 0xff],
      ],
    ],
    [
      'AUTH',
      { kind: 'AUTH', method: 2, data: fromHex('0102') },
      [
        [1, 0xff],
        [2, 0xff],
        [3, 0xff],
      ],
    ],
    [
      'TSi',
      { kind: 'TSi', selectors: [range] } as Payload,
      [
        [1, 0xff],
        [2, 0xff],
        [3, 0xff],
      ],
    ],
    [
      'CP',
      { kind: 'CP', type: 1, attributes: [{ type: 1, value: fromHex('0a000001') }] },
      [
        [1, 0xff],
        [2, 0xff],
        [3, 0xff],
        [4, 0x80],
      ],
    ],
    ['N', notify('INITIAL_CONTACT'), []],
    ['D', { kind: 'D', protocol: 3, spis: [fromHex('01020304')] }, []],
    ['V', { kind: 'V', data: fromHex('01') }, []],
  ])('of %s are sent as zero and ignored', (_name, payload, places) => {
    const octets = encodeMessage(HEADER, [payload]);
    const expected = parseMessage(octets);
    expect(expected.ok).toBe(true);
    for (const [at, bits] of [[-3, 0xff] as const, ...places]) {
      expect((octets[32 + at] ?? 0) & bits).toBe(0);
      const changed = octets.slice();
      changed[32 + at] = (changed[32 + at] ?? 0) | bits;
      expect(parseMessage(changed)).toEqual(expected);
    }
  });

  it('of the header are sent as zero: the flags X and V, and the version is 2.0', () => {
    for (const [response, fromInitiator] of [
      [false, true],
      [true, false],
    ] as const) {
      const octets = encodeMessage({ ...HEADER, response, fromInitiator }, []);
      const [flags] = octets.subarray(19);
      expect(octets[17]).toBe(0x20);
      expect(flags).toBe((response ? 0x20 : 0) | (fromInitiator ? 0x08 : 0));
    }
  });

  it.each([
    ['twice', [0x80, 14, 0, 128, 0x80, 14, 0, 128]],
    ['in the form of variable length', [0, 14, 0, 2, 0, 128]],
  ])('a Key Length attribute %s makes the transform one that nobody knows, and nothing else', (_what, attributes) => {
    const strange = [3, 0, 0, 8 + attributes.length, 1, 0, 0, 20, ...attributes];
    const good = [0, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 0, 128];
    const transforms = [...strange, ...good];
    const proposal = [0, 0, 0, 8 + transforms.length, 1, 1, 0, 2, ...transforms];
    const octets = Uint8Array.from([0, 0, 0, 4 + proposal.length, ...proposal]);
    expect(parsePayloads(octets, PAYLOAD.SA)).toMatchObject({
      value: [
        { proposals: [{ transforms: [{ unknownAttribute: true }, { keyLength: 128, unknownAttribute: false }] }] },
      ],
    });
  });

  it('an SA payload is refused when its lengths and counts do not agree', () => {
    const octets = encodeMessage(HEADER, [sa]);
    // Last Substruc, length and number of transforms of a proposal; Last Substruc and length of a transform.
    for (const at of [0, 2, 3, 7, 12, 14, 15, 24, 26, 27, 32, 34, 35, 39]) {
      for (const value of [0, 1, 2, 3, 9, 0xff]) {
        const changed = octets.slice();
        if (changed[32 + at] === value) continue;
        changed[32 + at] = value;
        expect([at, value, parseMessage(changed).ok]).toEqual([at, value, false]);
      }
    }
  });
});

describe('The table of what an exchange may contain', () => {
  const sa: Payload = {
    kind: 'SA',
    proposals: [{ number: 1, protocol: 1, spi: new Uint8Array(0), transforms: [transform(1, 20, 128)] }],
  };
  const ke: Payload = { kind: 'KE', method: 31, data: new Uint8Array(32) };
  const nonce: Payload = { kind: 'Nonce', data: new Uint8Array(32) };

  it.each([
    ['a complete request', [sa, ke, nonce, notify('NAT_DETECTION_SOURCE_IP')], undefined],
    ['two nonces', [sa, ke, nonce, nonce], 'too_many'],
    ['no key share', [sa, nonce], 'missing'],
    ['an AUTH in the clear', [sa, ke, nonce, { kind: 'AUTH', method: 2, data: nonce.data } as Payload], 'not_allowed'],
  ])('IKE_SA_INIT with %s', (_name, payloads, code) => {
    expect(checkPayloads(EXCHANGE.IKE_SA_INIT, 'request', payloads)?.code).toBe(code);
  });

  it('lets an error or a cookie stand alone in a response, not in a request', () => {
    expect(checkPayloads(EXCHANGE.IKE_SA_INIT, 'response', [notify('COOKIE')])).toBeUndefined();
    expect(checkPayloads(EXCHANGE.IKE_SA_INIT, 'response', [notify('NO_PROPOSAL_CHOSEN')])).toBeUndefined();
    expect(checkPayloads(EXCHANGE.IKE_SA_INIT, 'request', [notify('COOKIE')])?.code).toBe('missing');
    expect(checkPayloads(99, 'request', [])?.code).toBe('unknown_exchange');
  });
});

describe.skipIf(vectorsFolder === undefined)(`Messages of other implementations (${skipReason})`, () => {
  it.each([
    'pcap/ikev2-decrypt-aes128ccm12.pcap.json',
    'pcap/ikev2-decrypt-aes192ctr.pcap.json',
    'pcap/ikev2-decrypt-aes256cbc.pcapng.json',
    'pcap/ikev2-decrypt-aes256gcm16.pcap.json',
    'pcap/ikev2four.pcap.json',
    'pcap/ikev2_notify_redirect.pcap.json',
  ])('%s: the same payloads, and re-encoding gives the same octets', (file) => {
    for (const sample of loadVectors<Sample>(file).vectors) {
      const parsed = parseMessage(fromHex(sample.message));
      if (!parsed.ok) throw new Error(`${sample.name}: ${JSON.stringify(parsed.problem)}`);
      expect(parsed.value.payloads.map(payloadType)).toEqual(sample.payloads.map((payload) => payload.type));
      expect(toHex(encodeMessage(parsed.value.header, parsed.value.payloads)).length).toBe(sample.message.length);
      if (sample.decrypted === undefined || sample.innerPayloads === undefined) continue;
      const first = sample.innerPayloads[0]?.type ?? PAYLOAD.NONE;
      const inner = parsePayloads(fromHex(sample.decrypted), first);
      if (!inner.ok) throw new Error(`${sample.name}: ${JSON.stringify(inner.problem)}`);
      expect(toHex(encodeChain(inner.value).octets)).toBe(sample.decrypted);
    }
  });

  it('OpenIKED payload samples parse, and their mutations never throw', () => {
    const samples = loadVectors<Sample>('ikev2-payload-samples-openiked.json').vectors;
    expect(samples).toHaveLength(12);
    for (const sample of samples) {
      const parsed = parseMessage(fromHex(sample.message));

      const expected = REFUSED_SAMPLES.get(sample.name) ?? true;
      expect([sample.name, parsed.ok || parsed.problem.code]).toEqual([sample.name, expected]);
    }
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(), fc.nat(255), (sample, cut, at, value) => {
        const octets = fromHex(sample.message);
        octets[28 + (at % (octets.length - 28))] = value;
        expect(typeof parseMessage(octets).ok).toBe('boolean');
        expect(parseMessage(octets.subarray(0, cut % octets.length)).ok).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('an address identity of one octet, as tcpdump tests it, is refused', () => {
    const [sample] = loadVectors<Sample>('pcap/ikev2-id-normal.pcap.json').vectors;
    expect(parseMessage(fromHex(sample!.message))).toEqual({
      ok: false,
      problem: { code: 'bad_length', what: 'IPV4_ADDR', length: 1 },
    });
  });

  it('malformed seeds are refused', () => {
    const seeds = loadVectors<{ name: string; srcPort: number; udpPayload: string }>(
      'ike-malformed-seeds.json',
    ).vectors;
    for (const seed of seeds) {
      const octets = fromHex(seed.udpPayload);
      expect([seed.name, parseMessage(octets).ok]).toEqual([seed.name, false]);
      expect([seed.name, parseMessage(octets.subarray(4)).ok]).toEqual([seed.name, false]);
    }
  });
});

/** Two go on behind the payload that says it is the last; one deletes the IKE SA with an SPI, whose size MUST be zero. */
const REFUSED_SAMPLES: ReadonlyMap<string, string> = new Map([
  ['notify-payload', 'trailing_octets'],
  ['cert-payload', 'trailing_octets'],
  ['delete-notify-payload', 'bad_value'],
]);

/** Every octet string in a value. */
function stringsIn(value: unknown): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
