import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../domain-error.js';
import { type FingerprintedRequest, idempotencyKey } from './idempotency-key.js';

const UUID = '8e03978e-40d5-43e8-bc93-6894a57f9324';
const request: FingerprintedRequest = {
  method: 'POST',
  path: '/a',
  query: {},
  ifMatch: undefined,
  body: { name: 'x' },
};

describe('an Idempotency-Key', () => {
  it('is a string in quotes; without them it means the same', () => {
    expect(idempotencyKey(`"${UUID}"`, request)).toEqual(idempotencyKey(UUID, request));
    expect(idempotencyKey(undefined, request)).toBeUndefined();
  });

  it.each(['', '""', '"short"', `"${UUID}`, `${UUID}, ${UUID}`, '"a b c d e f g h i j"', `"${'x'.repeat(129)}"`])(
    'is not %j',
    (header) => {
      expect(() => idempotencyKey(header, request)).toThrow(DomainError);
    },
  );

  it('has the same fingerprint for the same request, and another for any other', () => {
    const requests = fc.record({
      method: fc.constantFrom('POST', 'PUT'),
      path: fc.constantFrom('/a', '/b'),
      query: fc.dictionary(fc.constantFrom('prune', 'format'), fc.constantFrom('true', 'false')),
      ifMatch: fc.option(fc.constantFrom('"1"', '"2"'), { nil: undefined }),
      body: fc.jsonValue(),
    });
    fc.assert(
      fc.property(requests, requests, (one, other) => {
        const [left, right] = [idempotencyKey(UUID, one), idempotencyKey(UUID, other)];
        expect(left?.hash).toEqual(right?.hash);
        const same = JSON.stringify(comparable(one)) === JSON.stringify(comparable(other));
        expect(left?.fingerprint.equals(right?.fingerprint ?? Buffer.alloc(0))).toBe(same);
      }),
    );
  });

  it('makes another fingerprint of the same request by another key', () => {
    const [one, other] = [idempotencyKey(UUID, request), idempotencyKey(UUID.replace('8', '9'), request)];
    expect(one?.fingerprint).not.toEqual(other?.fingerprint);
    expect(one?.hash).not.toEqual(other?.hash);
  });
});

function comparable({ query, ifMatch, body, ...rest }: FingerprintedRequest) {
  return { ...rest, ifMatch: ifMatch ?? null, prune: query['prune'], format: query['format'], body };
}
