// @peculiar/x509 needs it before itself.
import 'reflect-metadata';
import { type KeyObject, X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
} from '@peculiar/x509';
import { PkiError } from './pki-error.js';

/** What somebody has issued for a key of ours, with a path to a root. */
export interface IssuedAuthority {
  /** For our key. */
  readonly certificate: X509Certificate;
  /** Between that and the root, from the bottom up. */
  readonly above: readonly X509Certificate[];
  readonly root: X509Certificate;
  /** A certificate for the key of the root by the present root, where the file has one: "new with old" (RFC 4210 section 4.4). */
  readonly newWithOld: X509Certificate | undefined;
}

/**
 * Reads certificates (PEM, in any order) and finds the path from that for our key to a root, as edges and OpenSSL will look for it
 * (RFC 5280 section 6.1). Throws PkiError 'authority_refused', which names the certificate and what is wrong with it.
 *
 * @param present the root that is trusted now; it need not be in the file
 */
export function readIssuedAuthority(
  text: string,
  key: KeyObject,
  present: X509Certificate,
  now: Date,
): IssuedAuthority {
  const certificates = certificatesIn(text);
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (certificate === undefined) {
    throw refused(
      'no certificate in the file is for the key of the request that was written last; write another request, and have that one certified',
    );
  }
  const path = climb(certificate, [...certificates, present]);
  for (const [height, one] of path.entries()) check(one, path.slice(0, height), now);
  const [, ...above] = path;
  const root = above.pop();
  if (root === undefined)
    throw refused(`${nameOf(certificate)} is a root itself; the key of the request is for an intermediate`);
  const newWithOld = certificates.find((one) => one.publicKey.equals(root.publicKey) && isIssuedBy(one, present));
  return { certificate, above, root, newWithOld: isSame(root, present) ? undefined : newWithOld };
}

function certificatesIn(text: string): readonly X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw refused('the file holds no certificate in PEM');
  if (blocks.length > CERTIFICATES_MAXIMUM) {
    throw refused(`the file holds ${blocks.length} certificates; at most ${CERTIFICATES_MAXIMUM} are looked at`);
  }
  return blocks.map((pem, index) => {
    try {
      return new X509Certificate(pem);
    } catch {
      throw refused(`certificate ${index + 1} of the file cannot be read`);
    }
  });
}

/** From the certificate to a root, both included. */
function climb(certificate: X509Certificate, others: readonly X509Certificate[]): readonly X509Certificate[] {
  const path = [certificate];
  for (let top = certificate; !isIssuedBy(top, top); ) {
    // What signs itself first: a certificate of one root for another is no step on the way.
    const issuers = others.filter((one) => isIssuedBy(top, one) && !path.some((known) => isSame(known, one)));
    const above = issuers.find((one) => isIssuedBy(one, one)) ?? issuers[0];
    if (above === undefined) {
      throw refused(
        `the issuer of ${nameOf(top)}, ${top.issuer.replaceAll('\n', ', ')}, is not in the file, or did not sign it`,
      );
    }
    path.push(above);
    top = above;
  }
  return path;
}

/** @param below the path to it, ours first */
function check(certificate: X509Certificate, below: readonly X509Certificate[], now: Date): void {
  const parsed = new ParsedCertificate(Uint8Array.from(certificate.raw));
  const wrong =
    timeProblem(certificate, now) ??
    constraintsProblem(parsed, below) ??
    usageProblem(parsed, below.length === 0) ??
    strengthProblem(certificate, parsed);
  if (wrong !== undefined) throw refused(`${nameOf(certificate)} ${wrong}`);
}

function timeProblem({ validFrom, validTo }: X509Certificate, now: Date): string | undefined {
  if (Date.parse(validFrom) > now.getTime()) return `is not valid before ${new Date(validFrom).toISOString()}`;
  const left = Date.parse(validTo) - now.getTime();
  if (left <= 0) return `has expired at ${new Date(validTo).toISOString()}`;
  return left < LEFT_MINIMUM_MILLISECONDS
    ? `ends at ${new Date(validTo).toISOString()}, in less than 30 days`
    : undefined;
}

function constraintsProblem(parsed: ParsedCertificate, below: readonly X509Certificate[]): string | undefined {
  const constraints = parsed.getExtension(BasicConstraintsExtension);
  if (constraints?.ca !== true) return 'is no certificate authority: basicConstraints does not say CA:TRUE';
  // "the maximum number of non-self-issued intermediate certificates that may follow this certificate" (section 4.2.1.9).
  const authorities = below.filter(({ subject, issuer }) => subject !== issuer).length;
  if (constraints.pathLength !== undefined && authorities > constraints.pathLength) {
    return `allows ${constraints.pathLength} authorities below it (pathlen), and there are ${authorities}`;
  }
  const foreign = parsed.extensions.find(
    ({ type, critical }) => type === NAME_CONSTRAINTS || (critical && !KNOWN.has(type)),
  );
  return foreign && `has the extension ${foreign.type}, which edges do not understand and refuse`;
}

function usageProblem(parsed: ParsedCertificate, ours: boolean): string | undefined {
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages;
  const lacks = (flag: number) => usages !== undefined && (usages & flag) === 0;
  if (lacks(KeyUsageFlags.keyCertSign)) return 'may not sign certificates: keyUsage lacks keyCertSign';
  if (ours && lacks(KeyUsageFlags.cRLSign)) return 'may not sign revocation lists: keyUsage lacks cRLSign';
  const purposes = parsed.getExtension(ExtendedKeyUsageExtension)?.usages.map(String);
  if (purposes === undefined || purposes.includes(ANY_PURPOSE)) return undefined;
  const missing = PURPOSES.filter((purpose) => !purposes.includes(purpose));
  return missing.length === 0 ? undefined : `has an extendedKeyUsage that leaves out ${missing.join(', ')}`;
}

function strengthProblem(certificate: X509Certificate, parsed: ParsedCertificate): string | undefined {
  const { modulusLength } = certificate.publicKey.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2048) return `has an RSA key of ${modulusLength} bits only`;
  const { hash } = parsed.signatureAlgorithm as { readonly hash?: { readonly name: string } | string };
  const name = typeof hash === 'object' ? hash.name : hash;
  const weak = name !== undefined && WEAK.has(name) && certificate.subject !== certificate.issuer;
  return weak ? `is signed with ${name}, which edges refuse` : undefined;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSame({ raw }: X509Certificate, other: X509Certificate): boolean {
  return raw.equals(other.raw);
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ');
}

function refused(message: string): PkiError {
  return new PkiError('authority_refused', message);
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CERTIFICATES_MAXIMUM = 8;
const LEFT_MINIMUM_MILLISECONDS = 30 * 86_400_000;
const NAME_CONSTRAINTS = '2.5.29.30';
/** keyUsage, subjectAltName, basicConstraints, cRLDistributionPoints, extKeyUsage. */
const KNOWN: ReadonlySet<string> = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.31', '2.5.29.37']);
const ANY_PURPOSE = '2.5.29.37.0';
/** TLS of both sides, and IKE. */
const PURPOSES: readonly string[] = [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth, '1.3.6.1.5.5.7.3.17'];
const WEAK: ReadonlySet<string> = new Set(['SHA-1', 'MD5']);
