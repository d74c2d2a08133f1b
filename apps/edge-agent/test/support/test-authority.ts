import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';

export { KeyUsageFlags };

/** What a test may ask for. */
export type KeyKind = 'p256' | 'p384' | 'p521' | 'rsa' | 'rsa-pss' | 'ed25519' | 'ed448';

export interface IssueOptions {
  readonly key?: KeyKind;
  /** Milliseconds from now; negative: the past. */
  readonly validFrom?: number;
  readonly validFor?: number;
  readonly names?: readonly { readonly type: 'dns' | 'email' | 'ip' | 'url'; readonly value: string }[];
  /** Undefined: no authority. `null`: any path length. */
  readonly pathLength?: number | null;
  readonly keyUsage?: KeyUsageFlags;
  readonly purposes?: readonly string[];
  readonly extensions?: readonly Extension[];
}

/** Times as in IssueOptions. */
export interface RevocationOptions {
  readonly validFrom?: number;
  readonly validFor?: number;
  readonly extensions?: readonly Extension[];
}

/** A certificate, its private key, and what it can issue when it is an authority. */
export class TestCredential {
  readonly certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #kind: KeyKind;
  readonly privateKeyPem: string;

  private constructor(
    certificate: X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    kind: KeyKind,
    privateKeyPem: string,
  ) {
    this.certificate = certificate;
    this.#keys = keys;
    this.#kind = kind;
    this.privateKeyPem = privateKeyPem;
  }

  static async root(name: string, options: IssueOptions = {}): Promise<TestCredential> {
    return TestCredential.#make(name, { pathLength: null, ...options }, undefined);
  }

  async issue(name: string, options: IssueOptions = {}): Promise<TestCredential> {
    return TestCredential.#make(name, options, this);
  }

  /** DER of a revocation list of this authority. */
  async revoke(revoked: readonly TestCredential[], options: RevocationOptions = {}): Promise<Uint8Array> {
    const start = Date.now() + (options.validFrom ?? -60_000);
    const list = await X509CrlGenerator.create(
      {
        issuer: this.certificate.subject,
        thisUpdate: new Date(start),
        nextUpdate: new Date(start + (options.validFor ?? DAY)),
        signingAlgorithm: SIGNING[this.#kind],
        signingKey: signingKeyOf(this.#keys.privateKey),
        entries: revoked.map(({ certificate }) => ({
          serialNumber: certificate.serialNumber,
          revocationDate: new Date(start),
        })),
        extensions: [...(options.extensions ?? [])],
      },
      CRYPTO,
    );
    return new Uint8Array(list.rawData);
  }

  get der(): Uint8Array {
    return new Uint8Array(this.certificate.rawData);
  }

  get pem(): string {
    return `${this.certificate.toString('pem')}\n`;
  }

  get privateKey(): KeyObject {
    return createPrivateKey(this.privateKeyPem);
  }

  static async #make(name: string, options: IssueOptions, issuer: TestCredential | undefined): Promise<TestCredential> {
    const kind = options.key ?? 'p256';
    const keys = (await webcrypto.subtle.generateKey(GENERATION[kind], true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair;
    const start = Date.now() + (options.validFrom ?? -60_000);
    const certificate = await X509CertificateGenerator.create(
      {
        subject: name,
        issuer: issuer?.certificate.subject ?? name,
        publicKey: keys.publicKey,
        signingKey: signingKeyOf((issuer === undefined ? keys : issuer.#keys).privateKey),
        signingAlgorithm: SIGNING[issuer === undefined ? kind : issuer.#kind],
        notBefore: new Date(start),
        notAfter: new Date(start + (options.validFor ?? DAY)),
        extensions: extensionsOf(options),
      },
      CRYPTO,
    );
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
    return new TestCredential(
      certificate,
      keys,
      kind,
      `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    );
  }
}

/** The library knows Ed448 by its old name in WebCrypto only, and takes that from the key. */
function signingKeyOf(key: webcrypto.CryptoKey): webcrypto.CryptoKey {
  if (key.algorithm.name !== 'Ed448') return key;
  return { ...key, algorithm: { name: 'EdDSA', namedCurve: 'Ed448' }, ed448: key } as webcrypto.CryptoKey;
}

/** What the library needs of WebCrypto, with the key of Ed448 taken out of its wrapping again. */
const CRYPTO = {
  getRandomValues: (out: Uint8Array) => webcrypto.getRandomValues(out),
  subtle: {
    exportKey: (format: 'spki', key: webcrypto.CryptoKey) => webcrypto.subtle.exportKey(format, key),
    digest: (hash: string, data: ArrayBuffer) => webcrypto.subtle.digest(hash, data),
    sign: (
      algorithm: { name: string },
      key: webcrypto.CryptoKey & { ed448?: webcrypto.CryptoKey },
      data: ArrayBuffer,
    ) =>
      key.ed448 === undefined
        ? webcrypto.subtle.sign(algorithm, key, data)
        : webcrypto.subtle.sign('Ed448', key.ed448, data),
  },
} as typeof webcrypto;

function extensionsOf({ names, pathLength, keyUsage, purposes, extensions }: IssueOptions): Extension[] {
  const authority = pathLength !== undefined;
  const usage =
    keyUsage ?? (authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature);
  return [
    ...(authority ? [new BasicConstraintsExtension(true, pathLength ?? undefined, true)] : []),
    new KeyUsagesExtension(usage, true),
    ...(names === undefined ? [] : [new SubjectAlternativeNameExtension([...names])]),
    ...(purposes === undefined ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
    ...(extensions ?? []),
  ];
}

const RSA = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' } as const;
const GENERATION = {
  p256: { name: 'ECDSA', namedCurve: 'P-256' },
  p384: { name: 'ECDSA', namedCurve: 'P-384' },
  p521: { name: 'ECDSA', namedCurve: 'P-521' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', ...RSA },
  'rsa-pss': { name: 'RSA-PSS', ...RSA },
  ed25519: { name: 'Ed25519' },
  ed448: { name: 'Ed448' },
} as const;
const SIGNING = {
  p256: { name: 'ECDSA', hash: 'SHA-256' },
  p384: { name: 'ECDSA', hash: 'SHA-384' },
  p521: { name: 'ECDSA', hash: 'SHA-512' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  'rsa-pss': { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ed25519: { name: 'Ed25519' },
  ed448: { name: 'Ed448' },
} as const;
const DAY = 86_400_000;
