import { ENCR, INTEG, KE, PRF, SN, TRANSFORM_TYPE, type Transform, transform } from '@weft/ipsec-core/ike';

/**
 * A proposal in the keywords of swanctl.conf, so that a scenario writes it once for both ends:
 * `aes128gcm16-prfsha256-x25519-ke1_mlkem768`. Throws RangeError at a keyword that is not in the tables.
 */
export function parseProposal(text: string): readonly Transform[] {
  return text.split('-').map((keyword) => {
    const additional = /^ke([1-7])_(.+)$/.exec(keyword);
    const found = additional === null ? KEYWORDS.get(keyword) : KEYWORDS.get(additional[2] ?? '');
    if (found === undefined) throw new RangeError(`${keyword} is no keyword of a proposal`);
    if (additional === null) return found;
    return transform(TRANSFORM_TYPE.KE + 1 + Number(additional[1]), found.id);
  });
}

const encr = (id: number, bits?: number) => transform(TRANSFORM_TYPE.ENCR, id, bits);
const AES = [128, 192, 256] as const;

const KEYWORDS: ReadonlyMap<string, Transform> = new Map([
  ...AES.flatMap((bits): [string, Transform][] => [
    [`aes${bits}`, encr(ENCR.AES_CBC, bits)],
    [`aes${bits}ctr`, encr(ENCR.AES_CTR, bits)],
    [`aes${bits}ccm8`, encr(ENCR.AES_CCM_8, bits)],
    [`aes${bits}ccm12`, encr(ENCR.AES_CCM_12, bits)],
    [`aes${bits}ccm16`, encr(ENCR.AES_CCM_16, bits)],
    [`aes${bits}gcm8`, encr(ENCR.AES_GCM_8, bits)],
    [`aes${bits}gcm12`, encr(ENCR.AES_GCM_12, bits)],
    [`aes${bits}gcm16`, encr(ENCR.AES_GCM_16, bits)],
  ]),
  ['chacha20poly1305', encr(ENCR.CHACHA20_POLY1305)],
  ['null', encr(ENCR.NULL)],
  ...(
    [
      ['sha1', INTEG.HMAC_SHA1_96],
      ['aesxcbc', INTEG.AES_XCBC_96],
      ['aescmac', INTEG.AES_CMAC_96],
      ['sha256', INTEG.HMAC_SHA2_256_128],
      ['sha384', INTEG.HMAC_SHA2_384_192],
      ['sha512', INTEG.HMAC_SHA2_512_256],
    ] as const
  ).map(([name, id]): [string, Transform] => [name, transform(TRANSFORM_TYPE.INTEG, id)]),
  ...(
    [
      ['prfsha1', PRF.HMAC_SHA1],
      ['prfaesxcbc', PRF.AES128_XCBC],
      ['prfsha256', PRF.HMAC_SHA2_256],
      ['prfsha384', PRF.HMAC_SHA2_384],
      ['prfsha512', PRF.HMAC_SHA2_512],
      ['prfaescmac', PRF.AES128_CMAC],
    ] as const
  ).map(([name, id]): [string, Transform] => [name, transform(TRANSFORM_TYPE.PRF, id)]),
  ...(
    [
      ['modp2048', KE.MODP_2048],
      ['modp3072', KE.MODP_3072],
      ['modp4096', KE.MODP_4096],
      ['modp6144', KE.MODP_6144],
      ['modp8192', KE.MODP_8192],
      ['ecp256', KE.ECP_256],
      ['ecp384', KE.ECP_384],
      ['ecp521', KE.ECP_521],
      ['ecp224bp', KE.BRAINPOOL_P224R1],
      ['ecp256bp', KE.BRAINPOOL_P256R1],
      ['ecp384bp', KE.BRAINPOOL_P384R1],
      ['ecp512bp', KE.BRAINPOOL_P512R1],
      ['x25519', KE.CURVE25519],
      ['x448', KE.CURVE448],
      ['mlkem512', KE.ML_KEM_512],
      ['mlkem768', KE.ML_KEM_768],
      ['mlkem1024', KE.ML_KEM_1024],
    ] as const
  ).map(([name, id]): [string, Transform] => [name, transform(TRANSFORM_TYPE.KE, id)]),
  ['noesn', transform(TRANSFORM_TYPE.SN, SN.NO_ESN)],
  ['esn', transform(TRANSFORM_TYPE.SN, SN.ESN)],
]);
