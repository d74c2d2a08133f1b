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
      return alternativeNames.some((name) => name.kind === 'dns' && sameText(name.text, data));
    case ID_TYPE.RFC822_ADDR:
      return alternativeNames.some((name) => name.kind === 'email' && sameText(name.text, data));
    case ID_TYPE.DER_ASN1_DN:
      // "Implementations MUST NOT populate ID with the Subject … if it is empty" (section 3.1.5): that names nobody.
      return data.length > EMPTY_NAME && same(subject, data);
    case ID_TYPE.DER_ASN1_GN:
      return alternativeNames.some((name) => same(name.raw, data));
    default:
      return false;
  }
}

/**
 * "Case-insensitive string comparison MUST be performed", for domain names and mailboxes alike, and "substring, wildcard,
 * or regular expression matching MUST NOT be performed" (sections 3.1.2 and 3.1.3).
 */
function sameText(name: string, data: Uint8Array): boolean {
  return name.toLowerCase() === Buffer.from(data).toString('latin1').toLowerCase();
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** Octets of a sequence of nothing. */
const EMPTY_NAME = 2;
