/** Whether a text is a domain name without the final dot (RFC 1123 section 2.1), with the underscores that service names have. */
export function isDomainName(text: string): boolean {
  return text.length <= MAX_DOMAIN_NAME && DOMAIN.test(text);
}

/** Characters of a domain name in text (RFC 1035 section 2.3.4: 255 octets on the wire). */
export const MAX_DOMAIN_NAME = 253;
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
/** As part of a pattern. */
export const DOMAIN_PATTERN = `${LABEL}(?:\\.${LABEL})*`;
const DOMAIN = new RegExp(`^${DOMAIN_PATTERN}$`);
