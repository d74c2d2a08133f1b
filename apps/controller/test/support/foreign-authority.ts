import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** What may be wrong with what it certifies. */
export interface Certification {
  readonly pathLength?: number | undefined;
  readonly ca?: boolean;
  readonly keyUsage?: KeyUsageFlags;
  readonly extensions?: readonly Extension[];
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
}

/** The certificate authority of somebody else: another curve, names of several parts, and key identifiers of its own making. */
export class ForeignAuthority {
  readonly certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #keyIdentifier: string;
  readonly #above: ForeignAuthority | undefined;

  private constructor(
    certificate: X509Certificate,
    keys: webcrypto.CryptoKeyPair,
    keyIdentifier: string,
    above: ForeignAuthority | undefined,
  ) {
    this.certificate = certificate;
    this.#keys = keys;
    this.#keyIdentifier = keyIdentifier;
    this.#above = above;
  }

  static async root(how: Certification = {}): Promise<ForeignAuthority> {
    return ForeignAuthority.#make('C=DE, O=Example & Söhne, CN=Example Root', undefined, how);
  }

  /** An authority below this one. */
  async below(how: Certification = {}): Promise<ForeignAuthority> {
    return ForeignAuthority.#make('C=DE, O=Example & Söhne, CN=Example Issuing', this, how);
  }

  /** PEM: a certificate for the key of a request, and those above it to the root. */
  async certify(request: string, how: Certification = {}): Promise<string> {
    const { subjectName, publicKey } = new Pkcs10CertificateRequest(request);
    const certificate = await this.#issue(subjectName.toString(), await publicKey.export(), randomIdentifier(), {
      pathLength: 0,
      ...how,
    });
    return [certificate, ...this.chain].map((one) => `${one.toString('pem')}\n`).join('');
  }

  /** It, and those above it. */
  get chain(): readonly X509Certificate[] {
    return [this.certificate, ...(this.#above?.chain ?? [])];
  }

  static async #make(name: string, above: ForeignAuthority | undefined, how: Certification): Promise<ForeignAuthority> {
    const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify']);
    const identifier = randomIdentifier();
    const self = { name, keys, identifier };
    const certificate =
      above === undefined
        ? await issue({ ...self, publicKey: keys.publicKey }, self, how)
        : await above.#issue(name, keys.publicKey, identifier, how);
    return new ForeignAuthority(certificate, keys, identifier, above);
  }

  #issue(
    name: string,
    publicKey: webcrypto.CryptoKey,
    identifier: string,
    how: Certification,
  ): Promise<X509Certificate> {
    const issuer = { name: this.certificate.subject, keys: this.#keys, identifier: this.#keyIdentifier };
    return issue({ name, publicKey, identifier }, issuer, how);
  }
}

interface Party {
  readonly name: string;
  readonly identifier: string;
}

function issue(
  subject: Party & { readonly publicKey: webcrypto.CryptoKey },
  issuer: Party & { readonly keys: webcrypto.CryptoKeyPair },
  { ca = true, pathLength, keyUsage, extensions = [], from = -1, to = 1_000 }: Certification,
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    subject: subject.name,
    issuer: issuer.name,
    publicKey: subject.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' },
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + to * DAY),
    extensions: [
      new BasicConstraintsExtension(ca, pathLength, true),
      new KeyUsagesExtension(keyUsage ?? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectKeyIdentifierExtension(subject.identifier),
      new AuthorityKeyIdentifierExtension(issuer.identifier),
      ...extensions,
    ],
  });
}

function randomIdentifier(): string {
  return randomBytes(20).toString('hex');
}

const DAY = 86_400_000;
