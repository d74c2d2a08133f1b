import fc from 'fast-check';
import { CERT_ENCODING, ID_TYPE, PROTOCOL } from '../../src/wire/ike/iana.js';
import { identification } from '../../src/wire/ike/payloads/identification.js';
import type { Payload } from '../../src/wire/ike/payloads/registry.js';

const octets = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const uint8 = fc.integer({ min: 0, max: 255 });
const uint16 = fc.integer({ min: 0, max: 65535 });

const transform = fc.record({
  type: fc.integer({ min: 1, max: 12 }),
  id: uint16,
  keyLength: fc.option(uint16, { nil: undefined }),
  unknownAttribute: fc.constant(false),
});
const proposal = fc.record({
  number: uint8,
  protocol: uint8,
  spi: fc.constantFrom(0, 4, 8).chain((size) => octets(size, size)),
  transforms: fc.array(transform, { maxLength: 12 }),
});
const range = fc.constantFrom(4, 16).chain((size) =>
  fc.tuple(octets(size, size), octets(size, size), uint16, uint16, uint8).map(([a, b, p, q, protocol]) => {
    const [first, last] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a];
    return { type: 'range' as const, protocol, startPort: Math.min(p, q), endPort: Math.max(p, q), first, last };
  }),
);
const unknownSelector = fc.record({
  type: fc.constant('unknown' as const),
  number: fc.integer({ min: 9, max: 255 }),
  protocol: uint8,
  body: octets(0, 40),
});

/** Any payload that may stand in the clear or inside SK; what encodes must parse back to the same. */
export const anyPayload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ kind: fc.constant('SA' as const), proposals: fc.array(proposal, { minLength: 1, maxLength: 6 }) }),
  fc.record({ kind: fc.constant('KE' as const), method: uint16, data: octets(0, 300) }),
  fc
    .tuple(fc.constantFrom('IDi' as const, 'IDr' as const), octets(0, 60))
    .map(([kind, data]) => identification(kind, { type: ID_TYPE.KEY_ID, data })),
  fc.record({ kind: fc.constant('CERT' as const), encoding: uint8, data: octets(0, 200) }),
  fc.record({
    kind: fc.constant('CERTREQ' as const),
    encoding: fc.constant(CERT_ENCODING.X509_SIGNATURE),
    authorities: fc.integer({ min: 0, max: 3 }).chain((n) => octets(20 * n, 20 * n)),
  }),
  fc.record({ kind: fc.constant('AUTH' as const), method: uint8, data: octets(0, 200) }),
  fc.record({ kind: fc.constant('Nonce' as const), data: octets(16, 256) }),
  fc.record({
    kind: fc.constant('N' as const),
    type: uint16,
    protocol: fc.constant(PROTOCOL.ESP),
    spi: octets(4, 4),
    data: octets(0, 60),
  }),
  fc.record({
    kind: fc.constant('N' as const),
    type: uint16,
    protocol: fc.constant(0),
    spi: octets(0, 0),
    data: octets(0, 60),
  }),
  fc.record({ kind: fc.constant('D' as const), protocol: fc.constant(PROTOCOL.IKE), spis: fc.constant([]) }),
  fc.record({
    kind: fc.constant('D' as const),
    protocol: fc.constantFrom(PROTOCOL.AH, PROTOCOL.ESP),
    spis: fc.array(octets(4, 4), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('V' as const), data: octets(0, 40) }),
  fc.record({
    kind: fc.constantFrom('TSi' as const, 'TSr' as const),
    selectors: fc.array(fc.oneof(range, unknownSelector), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('CP' as const),
    type: uint8,
    attributes: fc.array(fc.record({ type: fc.integer({ min: 0, max: 0x7fff }), value: octets(0, 20) }), {
      maxLength: 6,
    }),
  }),
  fc.record({ kind: fc.constant('EAP' as const), message: octets(0, 60) }),
  fc.record({ kind: fc.constant('unknown' as const), type: fc.integer({ min: 100, max: 255 }), body: octets(0, 40) }),
);
