import { describe, expect, it } from 'vitest';
import { type AuthorityExpiry, authoritiesOf, expiryOf, isReplaced, remedyOf } from './authority-expiry.js';
import { OWN_CERTIFICATES, type OwnCertificate, type OwnValidity } from './certificate-authority.js';

const DAY = 86_400_000;
const NOW = Date.parse('2026-06-01T12:00:00Z');
const at = (days: number) => new Date(NOW + days * DAY);

function validity(certificate: OwnCertificate, from: number, to: number, name = 1): OwnValidity {
  return { certificate, fingerprint: Buffer.alloc(32, name), notBefore: at(from), notAfter: at(to) };
}

describe('a certificate of the controller', () => {
  it.each([
    ['a root 91 days before its end', 'root', -3_000, 91, 14, 'valid'],
    ['a root 90 days before its end', 'root', -3_000, 90, 14, 'expiring'],
    ['a root that leaves no time for two lives of edges', 'root', -3_000, 700, 365, 'expiring'],
    ['a root at its end', 'root', -3_000, 0, 14, 'expired'],
    ['an intermediate that lives for two months, in its second', 'intermediate', -30, 30, 14, 'valid'],
    ['the same in its last third', 'intermediate', -40, 20, 14, 'expiring'],
    ['what lies above it, 90 days before its end', 'above_intermediate', -900, 90, 14, 'expiring'],
    ['a server certificate that is due', 'server', -65, 25, 14, 'valid'],
    ['a server certificate that was not renewed for long', 'server', -75, 15, 14, 'expiring'],
  ] as const)('%s', (_name, certificate, from, to, edgeDays, condition) => {
    const expiry = expiryOf(validity(certificate, from, to), new Date(NOW), edgeDays * DAY);
    expect(expiry.condition).toBe(condition);
    expect(condition === 'valid').toBe(expiry.alarmFrom.getTime() > NOW);
  });

  it('has something that can be done about it, and none has the same', () => {
    for (const hasRootKey of [true, false]) {
      const remedies = OWN_CERTIFICATES.map((certificate) => remedyOf(certificate, hasRootKey));
      expect(new Set(remedies).size).toBe(OWN_CERTIFICATES.length);
    }
    expect(remedyOf('intermediate', true)).toContain('--rotate-intermediate-authority');
    expect(remedyOf('intermediate', false)).toContain('--certificate-authority-request');
  });
});

describe('an alarm', () => {
  const present = (...all: readonly OwnValidity[]): readonly AuthorityExpiry[] =>
    authoritiesOf(all.map((one) => expiryOf(one, new Date(NOW), 14 * DAY)));
  const [OLD, NEW, MIDDLE] = [1, 2, 3];
  const alarm = (kind: AuthorityExpiry['certificate'], end: number) => ({
    fingerprint: Buffer.alloc(32, OLD),
    kind,
    notAfter: at(end),
  });
  const next = validity('root', 0, 3_652, NEW);

  it.each([
    ['of the root that is alone', alarm('root', 50), present(validity('root', -3_602, 50, OLD)), false],
    [
      'of the root before, which is not retired',
      alarm('root', 50),
      present(next, validity('previous_root', -3_602, 50, OLD)),
      false,
    ],
    ['of a root that is gone', alarm('root', 50), present(next), true],
    [
      'of a root that this controller has not heard of',
      alarm('root', 50),
      present(validity('root', -3_700, 20, MIDDLE)),
      false,
    ],
    [
      'of an intermediate with a later one in its place',
      alarm('intermediate', 50),
      present(next, validity('intermediate', 0, 1_826, MIDDLE)),
      true,
    ],
    [
      'of an intermediate with one in its place that ends with it',
      alarm('intermediate', 50),
      present(next, validity('intermediate', 0, 50, MIDDLE)),
      false,
    ],
    [
      'of what was above it, with another that ends no later',
      alarm('above_intermediate', 50),
      present(next, validity('intermediate', 0, 90, MIDDLE), validity('above_intermediate', 0, 40, 4)),
      false,
    ],
    ['of an intermediate in whose place the root issues itself', alarm('intermediate', 50), present(next), true],
  ])('%s', (_name, raised, now, replaced) => {
    expect(isReplaced(raised, now)).toBe(replaced);
  });
});
