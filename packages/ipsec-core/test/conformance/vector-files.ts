import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Every file of the public vectors and who uses it. The suite fails when the folder holds a file that is not named
 * here, or when a file named here is absent: nothing is left out unseen.
 */
export type VectorUse = 'primitive' | 'esp' | 'ah' | 'capture' | { readonly elsewhere: string };

const KEY_EXCHANGE = { elsewhere: 'key exchange of IKEv2' } as const;
const SIGNATURE = { elsewhere: 'authentication of IKEv2' } as const;
const IKE_MESSAGE = { elsewhere: 'messages of IKEv2' } as const;

export const VECTOR_FILES: Readonly<Record<string, VectorUse>> = {
  'aes-cbc-rfc3602': 'primitive',
  'aes-ccm-rfc3610': 'primitive',
  'aes-cmac-rfc4493-4494': 'primitive',
  'aes-ctr-rfc3686': 'primitive',
  'aes-xcbc-rfc3566': 'primitive',
  'chacha20poly1305-rfc8439': 'primitive',
  'hmac-sha1-rfc2202': 'primitive',
  'hmac-sha2-auth-rfc4868': 'primitive',
  'prf-aes-cmac-rfc4615': 'primitive',
  'prf-aes-xcbc-rfc4434': 'primitive',
  'prf-hmac-sha2-rfc4868': 'primitive',
  'wycheproof/aes_ccm': 'primitive',
  'wycheproof/aes_cmac': 'primitive',
  'wycheproof/aes_gcm': 'primitive',
  'wycheproof/aes_gmac': 'primitive',
  'wycheproof/chacha20_poly1305': 'primitive',
  'wycheproof/hmac_sha1': 'primitive',
  'wycheproof/hmac_sha256': 'primitive',
  'wycheproof/hmac_sha384': 'primitive',
  'wycheproof/hmac_sha512': 'primitive',
  'chacha20poly1305-rfc7634': 'esp',
  'esp-aes-cbc-rfc3602': 'esp',
  'esp-aes-gcm-mcgrew-test-01': 'esp',
  'esp-aes-gmac-rfc4543': 'esp',
  'esp-dpdk': 'esp',
  // ESP and AH.
  'generated/esp-ah-scapy': 'esp',
  'pcap/esp-bug-12671.pcapng.gz': 'esp',
  'ah-dpdk': 'ah',
  'pcap/OSPFv3_with_AH.pcap': 'capture',
  'pcap/espudp1.pcap': 'capture',
  'dh-brainpool-rfc6932-6954': KEY_EXCHANGE,
  'dh-curve25519-rfc8031': KEY_EXCHANGE,
  'dh-ecp-rfc5114': KEY_EXCHANGE,
  'dh-ecp-rfc5903': KEY_EXCHANGE,
  'dh-modp-primes-rfc3526': KEY_EXCHANGE,
  'dh-modp-subgroup-rfc5114': KEY_EXCHANGE,
  'dh-x25519-x448-rfc7748': KEY_EXCHANGE,
  'ml-kem-acvp': KEY_EXCHANGE,
  'wycheproof/ecdh_secp256r1_ecpoint': KEY_EXCHANGE,
  'wycheproof/ecdh_secp384r1_ecpoint': KEY_EXCHANGE,
  'wycheproof/ecdh_secp521r1_ecpoint': KEY_EXCHANGE,
  'wycheproof/mlkem_768': KEY_EXCHANGE,
  'wycheproof/mlkem_768_encaps': KEY_EXCHANGE,
  'wycheproof/mlkem_768_keygen_seed': KEY_EXCHANGE,
  'wycheproof/mlkem_768_semi_expanded_decaps': KEY_EXCHANGE,
  'wycheproof/x25519': KEY_EXCHANGE,
  'wycheproof/x448': KEY_EXCHANGE,
  'ecdsa-auth-rfc4754': SIGNATURE,
  'ed25519-rfc8032': SIGNATURE,
  'wycheproof/ecdsa_secp256r1_sha256': SIGNATURE,
  'wycheproof/ecdsa_secp256r1_sha256_p1363': SIGNATURE,
  'wycheproof/ecdsa_secp384r1_sha384': SIGNATURE,
  'wycheproof/ecdsa_secp384r1_sha384_p1363': SIGNATURE,
  'wycheproof/ecdsa_secp521r1_sha512': SIGNATURE,
  'wycheproof/ecdsa_secp521r1_sha512_p1363': SIGNATURE,
  'wycheproof/ed25519': SIGNATURE,
  'wycheproof/ed448': SIGNATURE,
  'wycheproof/rsa_pss_2048_sha256_mgf1_32': SIGNATURE,
  'wycheproof/rsa_pss_4096_sha512_mgf1_64': SIGNATURE,
  'wycheproof/rsa_signature_2048_sha256': SIGNATURE,
  'wycheproof/rsa_signature_2048_sha384': SIGNATURE,
  'wycheproof/rsa_signature_3072_sha512': SIGNATURE,
  'ike-malformed-seeds': IKE_MESSAGE,
  'ikev2-kdf-cavp-800-135': IKE_MESSAGE,
  'ikev2-nat-detection': IKE_MESSAGE,
  'ikev2-payload-samples-openiked': IKE_MESSAGE,
  'pcap/ikev2-decrypt-aes128ccm12.pcap': IKE_MESSAGE,
  'pcap/ikev2-decrypt-aes192ctr.pcap': IKE_MESSAGE,
  'pcap/ikev2-decrypt-aes256cbc.pcapng': IKE_MESSAGE,
  'pcap/ikev2-decrypt-aes256gcm16.pcap': IKE_MESSAGE,
  'pcap/ikev2-id-normal.pcap': IKE_MESSAGE,
  'pcap/ikev2_notify_redirect.pcap': IKE_MESSAGE,
  'pcap/ikev2four.pcap': IKE_MESSAGE,
};

/** Files whose vectors this suite runs. */
export function usedVectorFiles(): readonly string[] {
  return Object.keys(VECTOR_FILES).filter((name) => typeof VECTOR_FILES[name] === 'string');
}

/** Every vector file in the folder, without `.json`. */
export function presentVectorFiles(folder: string): readonly string[] {
  return ['', 'generated', 'pcap', 'wycheproof'].flatMap((under) =>
    readdirSync(join(folder, under), { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => (under === '' ? '' : `${under}/`) + entry.name.slice(0, -'.json'.length)),
  );
}
