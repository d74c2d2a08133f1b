/** UTF-8 as text; undefined when it is not well-formed (RFC 3629: no overlong forms, no surrogates). */
export function decodeUtf8(octets: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(Array.from(octets, (octet) => `%${octet.toString(16).padStart(2, '0')}`).join(''));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
