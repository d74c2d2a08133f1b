import koffi from 'koffi';

/**
 * The functions of OpenSSL's EVP interface that the Node binary (or the libcrypto that it is linked with) exports, as
 * evp.h declares them. Pointers are addresses: those of memory made by memory.ts, and handles that OpenSSL gave us.
 * All answer what OpenSSL answers; 1 is success where nothing else is said.
 */
export type Evp = { readonly [Name in keyof typeof FUNCTIONS]: (...values: number[]) => number } & {
  /** A MAC implementation by name, or 0. It is never freed: each name is fetched once per thread. */
  readonly EVP_MAC_fetch: (library: number, name: string, properties: number) => number;
};

/** The functions, or which of them are missing. */
export type EvpLookup =
  | { readonly kind: 'found'; readonly evp: Evp }
  | { readonly kind: 'missing'; readonly functions: readonly string[] };

/** Looks the functions up in this process. */
export function findEvp(): EvpLookup {
  const process = koffi.load(null);
  const found = new Map<string, unknown>();
  const missing: string[] = [];
  for (const [name, prototype] of Object.entries({ ...FUNCTIONS, ...MAC_FETCH })) {
    try {
      found.set(name, process.func(prototype.replace('@', name)));
    } catch {
      // koffi has no other way of saying that a symbol is not there.
      missing.push(name);
    }
  }
  return missing.length > 0
    ? { kind: 'missing', functions: missing }
    : { kind: 'found', evp: Object.fromEntries(found) as unknown as Evp };
}

/** `EVP_CIPHER_CTX_ctrl` commands (evp.h). */
export const EVP_CTRL = { AEAD_SET_IVLEN: 0x09, AEAD_GET_TAG: 0x10, AEAD_SET_TAG: 0x11 } as const;

/** `EVP_CipherInit_ex` and `EVP_Cipher`: whether to encrypt; -1 leaves it as it was. */
export const EVP_DIRECTION = { decrypt: 0, encrypt: 1, unchanged: -1 } as const;

/** `OSSL_PARAM_UTF8_STRING` (openssl/core.h). */
export const OSSL_PARAM_UTF8_STRING = 4;

/** `OSSL_PARAM_OCTET_STRING` (openssl/core.h). */
export const OSSL_PARAM_OCTET_STRING = 5;

const CIPHER = 'int64_t @(void)';

/** `@` stands for the name. `int64_t` is a pointer. */
const FUNCTIONS = {
  EVP_CIPHER_CTX_new: 'int64_t @(void)',
  EVP_CIPHER_CTX_free: 'void @(int64_t context)',
  EVP_CIPHER_CTX_ctrl: 'int @(int64_t context, int command, int number, int64_t pointer)',
  EVP_CIPHER_CTX_set_padding: 'int @(int64_t context, int padding)',
  EVP_CipherInit_ex: 'int @(int64_t context, int64_t cipher, int64_t engine, int64_t key, int64_t iv, int encrypt)',
  EVP_CipherUpdate: 'int @(int64_t context, int64_t out, int64_t outLength, int64_t in, int inLength)',
  EVP_CipherFinal_ex: 'int @(int64_t context, int64_t out, int64_t outLength)',
  EVP_MAC_CTX_new: 'int64_t @(int64_t mac)',
  EVP_MAC_CTX_free: 'void @(int64_t context)',
  EVP_MAC_init: 'int @(int64_t context, int64_t key, size_t keyLength, int64_t parameters)',
  EVP_MAC_update: 'int @(int64_t context, int64_t data, size_t length)',
  EVP_MAC_final: 'int @(int64_t context, int64_t out, int64_t outLength, size_t outSize)',
  ERR_clear_error: 'void @(void)',
  EVP_aes_128_gcm: CIPHER,
  EVP_aes_192_gcm: CIPHER,
  EVP_aes_256_gcm: CIPHER,
  EVP_aes_128_ccm: CIPHER,
  EVP_aes_192_ccm: CIPHER,
  EVP_aes_256_ccm: CIPHER,
  EVP_chacha20_poly1305: CIPHER,
  EVP_aes_128_cbc: CIPHER,
  EVP_aes_192_cbc: CIPHER,
  EVP_aes_256_cbc: CIPHER,
  EVP_aes_128_ctr: CIPHER,
  EVP_aes_192_ctr: CIPHER,
  EVP_aes_256_ctr: CIPHER,
} as const;

const MAC_FETCH = { EVP_MAC_fetch: 'int64_t @(int64_t library, const char *name, int64_t properties)' } as const;
