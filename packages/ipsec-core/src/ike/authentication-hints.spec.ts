import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes/hex.js';
import { encodeAuthMethods, MAXIMUM_ANNOUNCEMENTS } from '../wire/ike/auth-methods.js';
import { notify } from '../wire/ike/payloads/notify.js';
import type { Payload } from '../wire/ike/payloads/registry.js';
import { announcesLater, NO_HINTS, readHints, updateHints } from './authentication-hints.js';

const request = (encoding: number, ...octets: readonly number[]): Payload => ({
  kind: 'CERTREQ',
  encoding,
  authorities: Uint8Array.from(octets.flatMap((octet) => new Array<number>(20).fill(octet))),
});
const key = (octet: number) => toHex(new Uint8Array(20).fill(octet));
const methods = (...numbers: readonly number[]) =>
  notify('SUPPORTED_AUTH_METHODS', encodeAuthMethods(numbers.map((method) => ({ kind: 'method', method }))));
const known = (method: number) => ({ kind: 'method', method });

describe('What a peer says about how it can be convinced', () => {
  it('is nothing where it says nothing', () => {
    expect(readHints([])).toEqual(NO_HINTS);
    expect(announcesLater([])).toBe(false);
  });

  it('is one list of the authorities of all its CERTREQ payloads, in their order', () => {
    expect(readHints([request(4, 1, 2), request(15), request(12, 3)])).toMatchObject({
      authorities: [key(1), key(2), key(3)],
      asksForCertificate: true,
      asksForRawPublicKey: true,
    });
  });

  it('is nothing where its encodings are strange ones', () => {
    for (const encoding of [0, 1, 7, 11, 14, 77, 201]) expect(readHints([request(encoding, 1)])).toEqual(NO_HINTS);
  });

  it('is one list of all its announcements, in their order (RFC 9593 section 3.1)', () => {
    expect(readHints([methods(13), notify('INITIAL_CONTACT'), methods(2)]).methods).toEqual([known(13), known(2)]);
  });

  it('is no list where one of the notifications is none, or there are too many', () => {
    const broken = notify('SUPPORTED_AUTH_METHODS', Uint8Array.of(9));
    expect(readHints([methods(2), broken]).methods).toBeUndefined();
    const many = methods(...new Array<number>(MAXIMUM_ANNOUNCEMENTS).fill(2));
    expect(readHints([many]).methods).toHaveLength(MAXIMUM_ANNOUNCEMENTS);
    expect(readHints([many, methods(2)]).methods).toBeUndefined();
  });

  it('comes later where the notification is empty', () => {
    expect(announcesLater([notify('SUPPORTED_AUTH_METHODS')])).toBe(true);
    expect(announcesLater([notify('SUPPORTED_AUTH_METHODS'), methods(2)])).toBe(false);
    expect(readHints([notify('SUPPORTED_AUTH_METHODS')]).methods).toBeUndefined();
  });

  it('may be said again with IKE_INTERMEDIATE, where authorities that are not repeated stay, and nothing is aborted', () => {
    const before = readHints([request(4, 1), notify('SUPPORTED_AUTH_METHODS')]);
    expect(updateHints(before, [methods(2)])).toEqual({ ...before, methods: [known(2)] });
    expect(updateHints(before, [request(4, 2), methods(2)])).toMatchObject({
      authorities: [key(2)],
      methods: [known(2)],
    });
    const told = readHints([request(4, 1), methods(2)]);
    expect(updateHints(told, [])).toEqual(told);
  });
});
