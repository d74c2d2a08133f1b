import type { OwnCertificate, OwnValidity } from './certificate-authority.js';

/** What is to be done about a certificate of the controller. */
export type ExpiryCondition =
  /** Nothing. */
  | 'valid'
  /** It is time to replace it. */
  | 'expiring'
  | 'expired';

/** A certificate of the controller, and whether it is to be replaced. */
export interface Expiry extends OwnValidity {
  /** From when on it is `expiring`. */
  readonly alarmFrom: Date;
  readonly condition: ExpiryCondition;
}

/** A certificate above those of edges: it is replaced by people, and everybody has to hear of it. */
export type AuthorityKind = Exclude<OwnCertificate, 'server'>;
export interface AuthorityExpiry extends Expiry {
  readonly certificate: AuthorityKind;
}

/** An authority of which tenants were told that it is about to end. */
export interface RaisedAlarm {
  /** SHA-256 of the certificate (DER). */
  readonly fingerprint: Buffer;
  readonly kind: AuthorityKind;
  readonly notAfter: Date;
}

/**
 * How a certificate stands. People need time for another authority: 90 days, and at least two lives of an edge's certificate, in which all
 * edges renew theirs; of one that lives shorter, its last third. That of the server is renewed by itself with a third of its life left:
 * at a sixth that must have failed for long.
 *
 * @param edgeLifetime of the certificates that edges get, in milliseconds
 */
export function expiryOf(validity: OwnValidity, now: Date, edgeLifetime: number): Expiry {
  const [from, to] = [validity.notBefore.getTime(), validity.notAfter.getTime()];
  const needed = Math.max(PATIENCE_MILLISECONDS, 2 * edgeLifetime);
  const lead = validity.certificate === 'server' ? (to - from) / 6 : Math.min(needed, (to - from) / 3);
  const alarmFrom = new Date(to - lead);
  const condition = now.getTime() >= to ? 'expired' : now >= alarmFrom ? 'expiring' : 'valid';
  return { ...validity, alarmFrom, condition };
}

/** Those that are above the certificates of edges. */
export function authoritiesOf(expiries: readonly Expiry[]): readonly AuthorityExpiry[] {
  return expiries.filter((expiry): expiry is AuthorityExpiry => expiry.certificate !== 'server');
}

/**
 * Whether another has taken the place of an authority: it is gone from here, and what does its work here ends later. A controller that was
 * not started anew since a rotation has an earlier one instead, and says nothing about the later.
 */
export function isReplaced({ fingerprint, kind, notAfter }: RaisedAlarm, present: readonly AuthorityExpiry[]): boolean {
  if (present.some((one) => one.fingerprint.equals(fingerprint))) return false;
  const roots = present.filter(({ certificate }) => certificate === 'root');
  const issuing = present.filter(({ certificate }) => ISSUING.has(certificate));
  const inItsPlace = ISSUING.has(kind) && issuing.length > 0 ? issuing : roots;
  return inItsPlace.length > 0 && inItsPlace.every((one) => one.notAfter > notAfter);
}

/**
 * What to do when a certificate of the controller is about to end, for people.
 *
 * @param hasRootKey whether the key of the root is at the controller
 */
export function remedyOf(certificate: OwnCertificate, hasRootKey: boolean): string {
  switch (certificate) {
    case 'root':
      return `${hasRootKey ? '' : 'Bring the key of the root back with --restore-root-key; under an authority of your own, go on with the file for another root. '}Run --rotate-certificate-authority, copy root.pem to the other controllers and start all of them anew. When no edge depends on the one before any more, run --retire-certificate-authority and start them once more.`;
    case 'previous_root':
      return 'Wait until the edges named here have been connected and have renewed their certificates, or revoke those that will not come back. Then run --retire-certificate-authority, copy root.pem to the other controllers and start all of them anew.';
    case 'intermediate':
      return hasRootKey
        ? 'Run --rotate-intermediate-authority, copy root.pem to the other controllers and start all of them anew. If its root ends no later, replace that first.'
        : 'Run --certificate-authority-request, have the request certified by who has the key of the root, run --certificate-authority-import, copy root.pem to the other controllers and start all of them anew.';
    case 'above_intermediate':
      return 'Have it renewed by who runs it, and bring the intermediate with all that is above it in again: --certificate-authority-request, then --certificate-authority-import. Copy root.pem to the other controllers and start all of them anew.';
    case 'server':
      return 'The controller renews it by itself, and that has failed for long: look for "server certificate not renewed" in its log. If what issues it is about to end too, replace that.';
  }
}

const ISSUING: ReadonlySet<OwnCertificate> = new Set(['intermediate', 'above_intermediate']);
const PATIENCE_MILLISECONDS = 90 * 86_400_000;
