import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { Clock } from '../platform/clock/clock.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { createEdgeCertificate, createRoot, createServerIdentity } from './certificate-factory.js';
import type { EdgeIdentity } from './edge-identity.js';
import { formatIdentity, type KeyAndCertificate, readIdentity } from './identity-file.js';
import { writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';

/** A certificate as it goes to the edge and into the table. */
export interface IssuedCertificate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly certificate: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a TLS server presents: PEM, the root included in the chain so that an edge can find the pinned one. */
export interface ServerTlsIdentity {
  readonly privateKey: Buffer;
  readonly chain: Buffer;
}

/** The fabric's own certificate authority. Keys are in WEFT_DATA_DIR/pki and nowhere else. */
@Injectable()
export class CertificateAuthority {
  readonly #directory: string;
  /** Milliseconds. */
  readonly #edgeLifetime: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #root: KeyAndCertificate | undefined;
  #server: KeyAndCertificate | undefined;

  constructor(config: ControllerConfig, clock: Clock, @InjectLogger() logger: Logger) {
    this.#directory = join(config.dataDirectory, 'pki');
    this.#edgeLifetime = config.edgeCertificateMilliseconds;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'pki' });
  }

  /** Makes or reads the root and the server certificate, renews the latter when it is due. Throws PkiError. */
  async start(): Promise<void> {
    this.#root = await this.#loadRoot();
    this.#server = await this.#loadServer(this.#root);
    await this.renewServerIdentityIfDue();
  }

  /** Roots that edges accept a controller by; DER. More than one during a rotation. */
  get trustBundle(): readonly Buffer[] {
    return [this.#requireRoot().certificate.raw];
  }

  /** SHA-256 of the root certificate (DER): the pin in enrollment tokens. */
  get rootFingerprint(): Buffer {
    return createHash('sha256').update(this.#requireRoot().certificate.raw).digest();
  }

  get rootPem(): Buffer {
    return Buffer.from(this.#requireRoot().certificate.toString());
  }

  /** Until when the controller's own certificates are valid. */
  validity(): readonly { readonly certificate: 'root' | 'server'; readonly notAfter: Date }[] {
    const own = { root: this.#root, server: this.#server };
    return (['root', 'server'] as const).flatMap((certificate) => {
      const validTo = own[certificate]?.certificate.validTo;
      return validTo === undefined ? [] : [{ certificate, notAfter: new Date(validTo) }];
    });
  }

  get serverIdentity(): ServerTlsIdentity {
    const server = this.#server;
    if (server === undefined) throw notStarted();
    return {
      privateKey: Buffer.from(server.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      chain: Buffer.from(`${server.certificate.toString()}${this.#requireRoot().certificate.toString()}`),
    };
  }

  /**
   * Issues a certificate for a key of which the edge has shown that it holds the private half. Nothing is stored: record it
   * with CertificateRegistry in the transaction that justifies it.
   */
  async issueEdgeCertificate(publicKey: KeyObject, identity: EdgeIdentity): Promise<IssuedCertificate> {
    const now = this.#clock.now();
    const certificate = await createEdgeCertificate(this.#requireRoot(), publicKey, identity, now, this.#edgeLifetime);
    return {
      serial: certificate.serialNumber.toLowerCase(),
      certificate: certificate.raw,
      notBefore: new Date(certificate.validFrom),
      notAfter: new Date(certificate.validTo),
    };
  }

  /** True when a new server certificate was made: a third or less of the old one's life was left. */
  async renewServerIdentityIfDue(): Promise<boolean> {
    const root = this.#requireRoot();
    const current = this.#server?.certificate;
    if (current !== undefined && !this.#isDue(current) && current.verify(root.certificate.publicKey)) return false;
    const renewed = await createServerIdentity(root, this.#clock.now());
    await writeSecretFile(this.#path('server.pem'), formatIdentity(renewed), 'replace');
    this.#server = renewed;
    this.#logger.info({ notAfter: renewed.certificate.validTo }, 'server certificate made');
    return true;
  }

  #isDue(certificate: X509Certificate): boolean {
    const from = Date.parse(certificate.validFrom);
    const to = Date.parse(certificate.validTo);
    return (to - this.#clock.now().getTime()) * 3 <= to - from;
  }

  async #loadRoot(): Promise<KeyAndCertificate> {
    const path = this.#path('root.pem');
    const existing = await readIdentity(path);
    if (existing !== undefined) {
      if (Date.parse(existing.certificate.validTo) <= this.#clock.now().getTime()) {
        throw new PkiError(
          'root_expired',
          `${path}: the root certificate has expired; every edge must be enrolled anew`,
        );
      }
      return existing;
    }
    const created = await createRoot(this.#clock.now());
    if (await writeSecretFile(path, formatIdentity(created), 'create')) {
      this.#logger.info({ notAfter: created.certificate.validTo }, 'root certificate made');
      return created;
    }
    return this.#loadRoot();
  }

  async #loadServer(root: KeyAndCertificate): Promise<KeyAndCertificate | undefined> {
    const existing = await readIdentity(this.#path('server.pem'));
    return existing?.certificate.checkIssued(root.certificate) === true ? existing : undefined;
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }

  #requireRoot(): KeyAndCertificate {
    if (this.#root === undefined) throw notStarted();
    return this.#root;
  }
}

function notStarted(): PkiError {
  return new PkiError('not_started', 'the certificate authority is used before start()');
}
