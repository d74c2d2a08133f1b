import { ENCR, INTEG, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import type { AhIntegrityName } from '../ah-transform.js';
import { ENCRYPTION, type EncryptionName, INTEGRITY, type IntegrityName } from '../suites.js';
import { PRF_NAMES, type PrfName } from './prf.js';

/** What an IKE SA encrypts and derives with, once negotiated. */
export interface IkeSuite {
  readonly encryption: EncryptionName;
  readonly keyBits: number;
  /** Absent exactly with combined-mode encryption. */
  readonly integrity: IntegrityName | undefined;
  readonly prf: PrfName;
  /** Method of the first key exchange. */
  readonly keyExchange: number;
  /** RFC 9370: methods of the additional key exchanges in order; those negotiated as NONE are left out. */
  readonly additionalKeyExchanges: readonly number[];
}

/** What protects the packets of a Child SA. */
export type ChildSuite = EspChildSuite | AhChildSuite;

export interface EspChildSuite extends CommonChildSuite {
  readonly protocol: 'esp';
  readonly encryption: EncryptionName;
  readonly keyBits: number;
  readonly integrity: IntegrityName | undefined;
}

export interface AhChildSuite extends CommonChildSuite {
  readonly protocol: 'ah';
  readonly integrity: AhIntegrityName;
  /** Of GMAC. */
  readonly keyBits: number | undefined;
}

interface CommonChildSuite {
  readonly extendedSequenceNumbers: boolean;
  /** Methods of the CREATE_CHILD_SA that makes or replaces it; undefined without perfect forward secrecy. */
  readonly keyExchange: number | undefined;
  readonly additionalKeyExchanges: readonly number[];
}

export const ENCRYPTION_NAMES: ReadonlyMap<number, EncryptionName> = new Map([
  [ENCR.NULL, 'null'],
  [ENCR.AES_CBC, 'aes-cbc'],
  [ENCR.AES_CTR, 'aes-ctr'],
  [ENCR.AES_CCM_8, 'aes-ccm-8'],
  [ENCR.AES_CCM_12, 'aes-ccm-12'],
  [ENCR.AES_CCM_16, 'aes-ccm-16'],
  [ENCR.AES_GCM_8, 'aes-gcm-8'],
  [ENCR.AES_GCM_12, 'aes-gcm-12'],
  [ENCR.AES_GCM_16, 'aes-gcm-16'],
  [ENCR.NULL_AUTH_AES_GMAC, 'aes-gmac'],
  [ENCR.CHACHA20_POLY1305, 'chacha20-poly1305'],
]);

export const INTEGRITY_NAMES: ReadonlyMap<number, IntegrityName> = new Map([
  [INTEG.HMAC_SHA1_96, 'hmac-sha1-96'],
  [INTEG.AES_XCBC_96, 'aes-xcbc-96'],
  [INTEG.AES_CMAC_96, 'aes-cmac-96'],
  [INTEG.HMAC_SHA2_256_128, 'hmac-sha2-256-128'],
  [INTEG.HMAC_SHA2_384_192, 'hmac-sha2-384-192'],
  [INTEG.HMAC_SHA2_512_256, 'hmac-sha2-512-256'],
]);

/** The suite that chosen transforms make, or undefined when they name something that we do not have. */
export function ikeSuiteOf(transforms: readonly Transform[]): IkeSuite | undefined {
  const cipher = cipherOf(transforms);
  const prf = PRF_NAMES.get(idOf(transforms, TRANSFORM_TYPE.PRF) ?? 0);
  const keyExchange = idOf(transforms, TRANSFORM_TYPE.KE);
  if (cipher === undefined || prf === undefined || keyExchange === undefined || keyExchange === 0) return undefined;
  if (cipher.encryption === 'null' || cipher.encryption === 'aes-gmac') return undefined;
  const { encryption, keyBits, integrity } = cipher;
  return { encryption, keyBits, integrity, prf, keyExchange, additionalKeyExchanges: additional(transforms) };
}

/** The suite of a Child SA of this protocol, or undefined when the transforms make none that we have. */
export function childSuiteOf(protocol: 'esp' | 'ah', transforms: readonly Transform[]): ChildSuite | undefined {
  const common = {
    extendedSequenceNumbers: idOf(transforms, TRANSFORM_TYPE.SN) === 1,
    keyExchange: idOf(transforms, TRANSFORM_TYPE.KE) || undefined,
    additionalKeyExchanges: additional(transforms),
  };
  if (protocol === 'esp') {
    const cipher = cipherOf(transforms);
    return cipher === undefined ? undefined : { protocol, ...cipher, ...common };
  }
  // Encryption is no transform type of AH (RFC 7296 section 3.3.3): a proposal with it is none.
  if (idOf(transforms, TRANSFORM_TYPE.ENCR) !== undefined) return undefined;
  const id = idOf(transforms, TRANSFORM_TYPE.INTEG) ?? INTEG.NONE;
  const gmacBits = GMAC_BITS.get(id);
  if (gmacBits !== undefined) return { protocol, integrity: 'aes-gmac', keyBits: gmacBits, ...common };
  const integrity = INTEGRITY_NAMES.get(id);
  return integrity === undefined ? undefined : { protocol, integrity, keyBits: undefined, ...common };
}

/** Octets of keying material of a Child SA for one direction: encryption key with its salt, then the integrity key. */
export function childKeyLength(suite: ChildSuite): number {
  if (suite.protocol === 'esp') {
    const { encryption, integrity } = keyLengths(suite);
    return encryption + integrity;
  }
  return suite.integrity === 'aes-gmac' ? (suite.keyBits ?? 0) / 8 + GMAC_SALT : INTEGRITY[suite.integrity].keyLength;
}

/** The same, in two parts, for messages and for ESP. */
export function keyLengths(suite: Pick<IkeSuite, 'encryption' | 'keyBits' | 'integrity'>): {
  readonly encryption: number;
  readonly integrity: number;
} {
  const { saltLength } = ENCRYPTION[suite.encryption];
  return {
    encryption: suite.keyBits / 8 + saltLength,
    integrity: suite.integrity === undefined ? 0 : INTEGRITY[suite.integrity].keyLength,
  };
}

function cipherOf(
  transforms: readonly Transform[],
): Pick<IkeSuite, 'encryption' | 'keyBits' | 'integrity'> | undefined {
  const encr = transforms.find((candidate) => candidate.type === TRANSFORM_TYPE.ENCR);
  const encryption = encr === undefined ? undefined : ENCRYPTION_NAMES.get(encr.id);
  if (encr === undefined || encryption === undefined) return undefined;
  const suite = ENCRYPTION[encryption];
  const keyBits = encr.keyLength ?? (suite.keyBits.length === 1 ? suite.keyBits[0] : undefined);
  if (keyBits === undefined || !suite.keyBits.includes(keyBits)) return undefined;
  const integ = idOf(transforms, TRANSFORM_TYPE.INTEG);
  if (suite.kind === 'combined') {
    return integ === undefined || integ === INTEG.NONE ? { encryption, keyBits, integrity: undefined } : undefined;
  }
  const integrity = INTEGRITY_NAMES.get(integ ?? 0);
  return integrity === undefined ? undefined : { encryption, keyBits, integrity };
}

function additional(transforms: readonly Transform[]): readonly number[] {
  const methods: number[] = [];
  for (let type: number = TRANSFORM_TYPE.ADDKE1; type <= TRANSFORM_TYPE.ADDKE7; type++) {
    const id = idOf(transforms, type);
    if (id !== undefined && id !== 0) methods.push(id);
  }
  return methods;
}

function idOf(transforms: readonly Transform[], type: number): number | undefined {
  return transforms.find((candidate) => candidate.type === type)?.id;
}

/** AUTH_AES_*_GMAC, RFC 4543 section 4. */
const GMAC_BITS: ReadonlyMap<number, number> = new Map([
  [INTEG.AES_128_GMAC, 128],
  [INTEG.AES_192_GMAC, 192],
  [INTEG.AES_256_GMAC, 256],
]);
const GMAC_SALT = 4;
