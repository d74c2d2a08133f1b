import 'reflect-metadata';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { TrustBundle } from '@weft/contracts/southbound';
import { parseIdentity, StoredIdentity } from '../../src/identity/identity.js';
import { trustBundleOctets } from '../../src/identity/trust-bundle.js';

export const TENANT_ID = '11111111-1111-4111-8111-111111111111';
export const EDGE_ID = '22222222-2222-4222-8222-222222222222';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** id-kp-ipsecIKE. */
const IPSEC_IKE = '1.3.6.1.5.5.7.3.17';
const DAY_MILLISECONDS = 86_400_000;

/** A certificate and its key, PEM. */
export interface Credential {
  readonly certificate: X509Certificate;
  readonly pem: string;
  readonly keyPem: string;
}

/** A certificate authority as a controller has one, for tests. */
export class TestPki {
  readonly signingKey: KeyObject;
  readonly signingPublicKey: Buffer;
  readonly root: Credential;
  readonly #rootKeys: webcrypto.CryptoKeyPair;

  private constructor(root: Credential, rootKeys: webcrypto.CryptoKeyPair) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.signingKey = privateKey;
    this.signingPublicKey = publicKey.export({ type: 'spki', format: 'der' });
    this.root = root;
    this.#rootKeys = rootKeys;
  }

  static async create(): Promise<TestPki> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        name: 'CN=Test root',
        keys,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() - DAY_MILLISECONDS),
        notAfter: new Date(Date.now() + DAY_MILLISECONDS),
        extensions: [
          new BasicConstraintsExtension(true, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      },
      webcrypto,
    );
    return new TestPki(await credential(certificate, keys), keys);
  }

  get signingKeyId(): string {
    return createHash('sha256').update(this.signingPublicKey).digest('hex');
  }

  /** Whom to believe from now on: the roots of these, the first of which issues. All have the same name. */
  trust(version: number, ...roots: readonly TestPki[]): TrustBundle {
    const anchors = roots.map(({ root }) => Buffer.from(root.certificate.rawData));
    const signature = sign(null, trustBundleOctets(BigInt(version), anchors), this.signingKey);
    return { version: BigInt(version), anchors, keyId: this.signingKeyId, signature };
  }

  /** A token that pins this root. */
  token(): string {
    const pin = createHash('sha256').update(new Uint8Array(this.root.certificate.rawData)).digest('base64url');
    return `weft1.${randomBytes(32).toString('base64url')}.${pin}`;
  }

  /** A server certificate for the controller's name. @param validFor milliseconds from now; negative: expired. @param claimed whose root it says that it is of */
  async server(validFor = DAY_MILLISECONDS, claimed: TestPki = this): Promise<Credential> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await this.#issue(
      'CN=controller',
      keys.publicKey,
      validFor,
      [
        new SubjectAlternativeNameExtension([{ type: 'dns', value: 'controller.weft.internal' }]),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      ],
      claimed,
    );
    return credential(certificate, keys);
  }

  /** Certifies an edge from its request. */
  async edge(request: Uint8Array, edgeId = EDGE_ID): Promise<X509Certificate> {
    const csr = new Pkcs10CertificateRequest(Uint8Array.from(request));
    if (!(await csr.verify(webcrypto))) throw new Error('the request is not signed with its key');
    return this.#certifyEdge(await csr.publicKey.export(webcrypto), edgeId);
  }

  /** A whole identity, as enrollment would have stored it. */
  async identity(sessionAddress: string, validFor = DAY_MILLISECONDS): Promise<ReturnType<typeof parseIdentity>> {
    return parseIdentity(await this.storedIdentity(sessionAddress, EDGE_ID, validFor));
  }

  /** What enrollment stores for an edge. @param validFor milliseconds from now; negative: expired */
  async storedIdentity(sessionAddress: string, edgeId = EDGE_ID, validFor = DAY_MILLISECONDS): Promise<StoredIdentity> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const { pem, keyPem } = await credential(await this.#certifyEdge(keys.publicKey, edgeId, validFor), keys);
    return StoredIdentity.parse({
      version: 1,
      tenantId: TENANT_ID,
      edgeId,
      edgeName: 'berlin',
      privateKeyPem: keyPem,
      certificateChain: [pem],
      trustBundle: [this.root.pem],
      bundleSigningKeys: [{ keyId: this.signingKeyId, publicKey: this.signingPublicKey.toString('base64') }],
      sessionAddress,
    });
  }

  #certifyEdge(publicKey: webcrypto.CryptoKey, edgeId: string, validFor = DAY_MILLISECONDS): Promise<X509Certificate> {
    const url = `spiffe://weft.internal/tenant/${TENANT_ID}/edge/${edgeId}`;
    return this.#issue('CN=edge', publicKey, validFor, [
      new SubjectAlternativeNameExtension([{ type: 'url', value: url }]),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, IPSEC_IKE]),
    ]);
  }

  async #issue(
    subject: string,
    publicKey: webcrypto.CryptoKey,
    validFor: number,
    extensions: (SubjectAlternativeNameExtension | ExtendedKeyUsageExtension)[],
    claimed: TestPki = this,
  ): Promise<X509Certificate> {
    return X509CertificateGenerator.create(
      {
        subject,
        issuer: this.root.certificate.subject,
        publicKey,
        signingKey: this.#rootKeys.privateKey,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() - DAY_MILLISECONDS / 2),
        notAfter: new Date(Date.now() + validFor),
        // As a controller does: roots that follow each other have one name, and are told apart by their keys.
        extensions: [...extensions, await AuthorityKeyIdentifierExtension.create(claimed.#rootKeys.publicKey)],
      },
      webcrypto,
    );
  }
}

async function credential(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Credential> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate,
    pem: `${certificate.toString('pem')}\n`,
    keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}
