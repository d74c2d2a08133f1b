/**
 * Numbers of the IANA registry "Internet Key Exchange Version 2 (IKEv2) Parameters". Every table maps the registry's
 * own name to its value; `nameOf` goes back. Values we do not know stay numbers everywhere: an unknown transform is
 * not an error, it is one that nobody chooses.
 */
export const EXCHANGE = {
  IKE_SA_INIT: 34,
  IKE_AUTH: 35,
  CREATE_CHILD_SA: 36,
  INFORMATIONAL: 37,
  IKE_SESSION_RESUME: 38,
  IKE_INTERMEDIATE: 43,
  IKE_FOLLOWUP_KE: 44,
} as const;

export const PAYLOAD = {
  NONE: 0,
  SA: 33,
  KE: 34,
  IDi: 35,
  IDr: 36,
  CERT: 37,
  CERTREQ: 38,
  AUTH: 39,
  Nonce: 40,
  N: 41,
  D: 42,
  V: 43,
  TSi: 44,
  TSr: 45,
  SK: 46,
  CP: 47,
  EAP: 48,
  SKF: 53,
} as const;

export const PROTOCOL = { NONE: 0, IKE: 1, AH: 2, ESP: 3 } as const;

/** RFC 7296 section 3.3.2, RFC 9370 section 4.1. */
export const TRANSFORM_TYPE = {
  ENCR: 1,
  PRF: 2,
  INTEG: 3,
  KE: 4,
  SN: 5,
  ADDKE1: 6,
  ADDKE2: 7,
  ADDKE3: 8,
  ADDKE4: 9,
  ADDKE5: 10,
  ADDKE6: 11,
  ADDKE7: 12,
} as const;

export const ATTRIBUTE = { KEY_LENGTH: 14 } as const;

export const ENCR = {
  NULL: 11,
  AES_CBC: 12,
  AES_CTR: 13,
  AES_CCM_8: 14,
  AES_CCM_12: 15,
  AES_CCM_16: 16,
  AES_GCM_8: 18,
  AES_GCM_12: 19,
  AES_GCM_16: 20,
  NULL_AUTH_AES_GMAC: 21,
  CHACHA20_POLY1305: 28,
} as const;

export const PRF = {
  HMAC_SHA1: 2,
  AES128_XCBC: 4,
  HMAC_SHA2_256: 5,
  HMAC_SHA2_384: 6,
  HMAC_SHA2_512: 7,
  AES128_CMAC: 8,
} as const;

export const INTEG = {
  NONE: 0,
  HMAC_SHA1_96: 2,
  AES_XCBC_96: 5,
  AES_CMAC_96: 8,
  AES_128_GMAC: 9,
  AES_192_GMAC: 10,
  AES_256_GMAC: 11,
  HMAC_SHA2_256_128: 12,
  HMAC_SHA2_384_192: 13,
  HMAC_SHA2_512_256: 14,
} as const;

/** Key Exchange Method registry (RFC 9370 renamed "Diffie-Hellman Group"); 35..37 from draft-ietf-ipsecme-ikev2-mlkem. */
export const KE = {
  NONE: 0,
  MODP_2048: 14,
  MODP_3072: 15,
  MODP_4096: 16,
  MODP_6144: 17,
  MODP_8192: 18,
  ECP_256: 19,
  ECP_384: 20,
  ECP_521: 21,
  BRAINPOOL_P224R1: 27,
  BRAINPOOL_P256R1: 28,
  BRAINPOOL_P384R1: 29,
  BRAINPOOL_P512R1: 30,
  CURVE25519: 31,
  CURVE448: 32,
  ML_KEM_512: 35,
  ML_KEM_768: 36,
  ML_KEM_1024: 37,
} as const;

/** RFC 9827 names; 0 was "No ESN", 1 was "ESN". */
export const SN = { NO_ESN: 0, ESN: 1 } as const;

export const ID_TYPE = {
  IPV4_ADDR: 1,
  FQDN: 2,
  RFC822_ADDR: 3,
  IPV6_ADDR: 5,
  DER_ASN1_DN: 9,
  DER_ASN1_GN: 10,
  KEY_ID: 11,
  NULL: 13,
} as const;

export const CERT_ENCODING = {
  PKCS7: 1,
  X509_SIGNATURE: 4,
  CRL: 7,
  /** Removed by RFC 7296, replaced by RAW_PUBLIC_KEY (RFC 7670). */
  RAW_RSA_KEY: 11,
  HASH_AND_URL: 12,
  HASH_AND_URL_BUNDLE: 13,
  OCSP: 14,
  RAW_PUBLIC_KEY: 15,
} as const;

export const AUTH_METHOD = {
  RSA_SIGNATURE: 1,
  SHARED_KEY: 2,
  DSS_SIGNATURE: 3,
  ECDSA_P256: 9,
  ECDSA_P384: 10,
  ECDSA_P521: 11,
  NULL: 13,
  DIGITAL_SIGNATURE: 14,
} as const;

/** RFC 7427 section 7, RFC 8420 section 4. */
export const HASH_ALGORITHM = { SHA1: 1, SHA2_256: 2, SHA2_384: 3, SHA2_512: 4, IDENTITY: 5 } as const;

export const TS_TYPE = { IPV4_ADDR_RANGE: 7, IPV6_ADDR_RANGE: 8 } as const;

export const CONFIGURATION_TYPE = { REQUEST: 1, REPLY: 2, SET: 3, ACK: 4 } as const;

export const CONFIGURATION_ATTRIBUTE = {
  INTERNAL_IP4_ADDRESS: 1,
  INTERNAL_IP4_NETMASK: 2,
  INTERNAL_IP4_DNS: 3,
  INTERNAL_IP4_NBNS: 4,
  INTERNAL_IP4_DHCP: 6,
  APPLICATION_VERSION: 7,
  INTERNAL_IP6_ADDRESS: 8,
  INTERNAL_IP6_DNS: 10,
  INTERNAL_IP6_DHCP: 12,
  INTERNAL_IP4_SUBNET: 13,
  SUPPORTED_ATTRIBUTES: 14,
  INTERNAL_IP6_SUBNET: 15,
  INTERNAL_DNS_DOMAIN: 25,
  INTERNAL_DNSSEC_TA: 26,
} as const;

/** The registry's name of a value, or `unknown(n)`. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  for (const [name, candidate] of Object.entries(table)) if (candidate === value) return name;
  return `unknown(${value})`;
}
