/**
 * Why an algorithm that is none of the choices should not be one, by what people call it; undefined of others. RFC 8221 is about ESP,
 * RFC 8247 about IKE.
 */
export function deprecation(value: unknown): string | undefined {
  return typeof value === 'string' ? REASONS.get(value.toLowerCase().replaceAll(/[-_ ]/g, '')) : undefined;
}

const SHORT_BLOCKS =
  'has blocks of 64 bits, which repeat after some gigabytes (RFC 8221 section 5, RFC 8247 section 2.1)';
const REASONS: ReadonlyMap<string, string> = new Map([
  ...['des', 'descbc', 'desiv64', 'desiv32'].map(
    (name) => [name, 'DES is broken: "MUST NOT" (RFC 8221 section 5, RFC 8247 section 2.1)'] as const,
  ),
  ...['3des', '3descbc', 'tripledes'].map((name) => [name, `3DES ${SHORT_BLOCKS}`] as const),
  ...['blowfish', 'blowfishcbc'].map((name) => [name, `Blowfish ${SHORT_BLOCKS}`] as const),
  ...['cast', 'cast128'].map((name) => [name, `CAST ${SHORT_BLOCKS}`] as const),
  ...['idea', '3idea'].map((name) => [name, `IDEA ${SHORT_BLOCKS}`] as const),
  ['rc5', `RC5 ${SHORT_BLOCKS}`],
  ['null', 'NULL encrypts nothing'],
  ...['hmacmd5', 'md5'].map((name) => [name, 'HMAC-MD5 is "MUST NOT" (RFC 8247 section 2.2)'] as const),
  ...['hmacsha1', 'sha1'].map((name) => [name, 'HMAC-SHA1 is on its way out, "MUST-" (RFC 8247 section 2.2)'] as const),
  ['hmactiger', 'HMAC-TIGER is "MUST NOT" (RFC 8247 section 2.2)'],
  ...['modp768', 'dh1', 'group1'].map(
    (name) => [name, 'MODP-768 is broken: "MUST NOT" (RFC 8247 section 2.4)'] as const,
  ),
  ...['modp1024', 'dh2', 'group2'].map(
    (name) => [name, 'MODP-1024 may be within reach of some: "SHOULD NOT" (RFC 8247 section 2.4)'] as const,
  ),
  ...['modp1536', 'dh5', 'group5'].map(
    (name) => [name, 'MODP-1536 is too short by now: "SHOULD NOT" (RFC 8247 section 2.4)'] as const,
  ),
  ...['modp1024s160', 'dh22', 'group22'].map(
    (name) => [name, 'the MODP group 22 is "MUST NOT" (RFC 8247 section 2.4)'] as const,
  ),
  ...['modp2048s224', 'dh23', 'group23', 'modp2048s256', 'dh24', 'group24'].map(
    (name) => [name, 'the MODP groups with small subgroups are "SHOULD NOT" (RFC 8247 section 2.4)'] as const,
  ),
]);
