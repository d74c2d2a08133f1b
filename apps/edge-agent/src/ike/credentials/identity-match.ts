import { ID_TYPE, type Identity } from '@weft/ipsec-core/ike';
import type { Certificate } from './certificate.js';

/**
 * Whether a certificate is that of an identity, RFC 4945 section 3.1: the type of the ID payload says where to look, and
 * nothing else counts. Names are those of subjectAltName; a common name is no identity.
 */
export function isNamed({ alternativeNames, subject }: Certificate, { type, data }: Identity): boolean {
  switch (type) {
    case ID_TYPE.IPV4_ADDR:
    case ID_TYPE.IPV6_ADDR:
      return alternativeNames.some((name) => name.kind === 'ip' && same(name.address, data));
    case ID_TYPE.FQDN:
      // "Implementations MUST NOT assume that wildcards…": an exact name, case aside.
      return alternativeNames.some(
        (name) => name.kind === 'dns' && name.text.toLowerCase() === textOf(data).toLowerCase(),
      );
    case ID_TYPE.RFC822_ADDR:
      return alternativeNames.some((name) => name.kind === 'email' && sameMailbox(name.text, textOf(data)));
    case ID_TYPE.DER_ASN1_DN:
      return same(subject, data);
    case ID_TYPE.DER_ASN1_GN:
      return alternativeNames.some((name) => same(name.raw, data));
    default:
      return false;
  }
}

/** The part before the last @ is the host's own business, and compared as it is (RFC 5280 section 7.5). */
function sameMailbox(left: string, right: string): boolean {
  const [leftAt, rightAt] = [left.lastIndexOf('@'), right.lastIndexOf('@')];
  if (leftAt < 1 || rightAt < 1) return false;
  return (
    left.slice(0, leftAt) === right.slice(0, rightAt) &&
    left.slice(leftAt).toLowerCase() === right.slice(rightAt).toLowerCase()
  );
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString('latin1');
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
