import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { ControllerConfig } from '../config/controller-config.js';
import { Clock } from '../platform/clock/clock.js';
import { InjectLogger } from '../platform/logging/logger.js';
import { withIssued, withoutRootKey, withRootKey } from './authority-changes.js';
import { createAuthorityRequest, formatRequestedKey, parseRequestedKey } from './authority-request.js';
import {
  createEdgeCertificate,
  createIntermediate,
  createNewWithOld,
  createRoot,
  createServerIdentity,
  pathLengthOf,
} from './certificate-factory.js';
import type { EdgeIdentity } from './edge-identity.js';
import { formatIdentity, type KeyAndCertificate, readIdentity } from './identity-file.js';
import { readIssuedAuthority } from './issued-authority.js';
import { readSecretFile, writeSecretFile } from './key-files.js';
import { PkiError } from './pki-error.js';
import {
  chainAbove,
  FIRST_TRUST_VERSION,
  formatRoot,
  type IntermediateAuthority,
  issuerOf,
  type PreviousAuthority,
  type RootAuthority,
  readRoot,
  rootKeyOf,
} from './root-authority.js';
import type { TrustBundleContent } from './trust-bundle.js';

/** Certificates of the controller itself that end one day. */
export type OwnCertificate = (typeof OWN_CERTIFICATES)[number];

/** Between when and when one of them is valid. */
export interface OwnValidity {
  readonly certificate: OwnCertificate;
  /** SHA-256 of the certificate (DER). */
  readonly fingerprint: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A certificate as it goes to the edge and into the table. */
export interface IssuedCertificate {
  /** Lower-case hex. */
  readonly serial: string;
  readonly certificate: Buffer;
  /** DER, the certificate first: what the edge shows to those who may not trust what issued it yet. */
  readonly chain: readonly Buffer[];
  /** SHA-256 of the root certificate that it is under. */
  readonly authority: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a TLS server presents: PEM, the root that tokens pin included in the chain so that an edge can find it. */
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
  readonly #revocationListUrl: string | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #root: RootAuthority | undefined;
  #server: KeyAndCertificate | undefined;

  constructor(config: ControllerConfig, clock: Clock, @InjectLogger() logger: Logger) {
    this.#directory = join(config.dataDirectory, 'pki');
    this.#edgeLifetime = config.edgeCertificateMilliseconds;
    this.#revocationListUrl = config.revocationListUrl;
    this.#clock = clock;
    this.#logger = logger.child({ component: 'pki' });
  }

  /** Makes or reads the root and what is below it, for a command that may repair it. Throws PkiError. */
  async load(): Promise<void> {
    this.#root = await this.#loadRoot();
  }

  /** Makes or reads the root and the server certificate, renews the latter when it is due. Throws PkiError. */
  async start(): Promise<void> {
    this.#root = await this.#withIntermediateInForce(await this.#loadRoot());
    this.#server = await this.#loadServer(this.#root);
    await this.renewServerIdentityIfDue();
  }

  /** Roots that edges accept a controller and each other by. More than one during a rotation; what issues is under the first. */
  get trusted(): TrustBundleContent {
    return { version: this.#requireRoot().trustVersion, anchors: this.#anchors.map(({ raw }) => raw) };
  }

  /** False until the first rotation: then everybody trusts what enrollment said. */
  get wasRotated(): boolean {
    return this.#requireRoot().trustVersion !== FIRST_TRUST_VERSION;
  }

  /** SHA-256 of the root certificate (DER) that issues, or is above what issues. */
  get rootFingerprint(): Buffer {
    return fingerprintOf(this.#requireRoot().certificate);
  }

  /** SHA-256 of the root certificate before (DER), while it is trusted beside the one that issues. */
  get previousFingerprint(): Buffer | undefined {
    const { previous } = this.#requireRoot();
    return previous && fingerprintOf(previous.oldWithOld);
  }

  /** The pin in enrollment tokens: of the root that the server presents, which is the one before as long as that is trusted. */
  get pinnedFingerprint(): Buffer {
    return this.previousFingerprint ?? this.rootFingerprint;
  }

  /** Roots of which certificates are accepted; PEM. */
  get anchorsPem(): Buffer {
    return Buffer.from(this.#anchors.join(''));
  }

  get #anchors(): readonly X509Certificate[] {
    const { certificate, previous } = this.#requireRoot();
    return previous === undefined ? [certificate] : [certificate, previous.oldWithOld];
  }

  /**
   * Makes another certificate authority. Certificates are issued by it from the next start on, and come with one of the key before
   * for its key, so that who trusts the one before alone believes them too: edges learn of it in any order. The key before is
   * gone with this. Throws PkiError 'rotation_underway'.
   */
  async rotate(): Promise<void> {
    const old = this.#requireRoot();
    if (old.previous !== undefined) {
      throw new PkiError(
        'rotation_underway',
        'the certificate authority before has not been retired yet; run --retire-certificate-authority first',
      );
    }
    const now = this.#clock.now();
    const next = await createRoot(now, old.certificate);
    const newWithOld = await createNewWithOld(rootKeyOf(old), next.certificate, now);
    const previous = { newWithOld, oldWithOld: old.certificate };
    await this.#replaceRoot({
      ...next,
      trustVersion: old.trustVersion + 1,
      previous,
      intermediate: await this.#intermediateUnder(next, previous, old.intermediate),
    });
  }

  /**
   * Makes another intermediate, or the first one. Certificates are issued by it from the next start on, and come with its own: all
   * trust the root that it is under, and nobody has to hear of it before. What the one before has issued stays good; its key is
   * gone with this. Throws PkiError 'path_length', 'root_key_elsewhere'.
   */
  async rotateIntermediate(): Promise<void> {
    const root = this.#requireRoot();
    const intermediate = await this.#intermediateUnder(rootKeyOf(root), root.previous, root.intermediate);
    if (intermediate === undefined) {
      throw new PkiError(
        'path_length',
        root.previous === undefined
          ? 'the root certificate allows no authority below it: make another root with --rotate-certificate-authority; when that is alone, it has an intermediate'
          : 'the certificate authority before allows no authority below it: this is made with --retire-certificate-authority',
      );
    }
    await this.#replaceRoot({ ...root, intermediate });
  }

  /** Ends the overlap: from the next start on only the present one is trusted. Throws PkiError 'no_rotation'. */
  async retirePrevious(): Promise<void> {
    const root = this.#requireRoot();
    if (root.previous === undefined) {
      throw new PkiError('no_rotation', 'there is one certificate authority only; make another one first');
    }
    const intermediate = root.intermediate ?? (await this.#intermediateUnder(rootKeyOf(root), undefined, undefined));
    await this.#replaceRoot({ ...root, trustVersion: root.trustVersion + 1, previous: undefined, intermediate });
  }

  /** Undefined where somebody would not believe what it issues: a root from before there were any allows none below it. */
  async #intermediateUnder(
    root: KeyAndCertificate,
    previous: PreviousAuthority | undefined,
    before: KeyAndCertificate | undefined,
  ): Promise<IntermediateAuthority | undefined> {
    const above = [root.certificate, ...(previous ? [previous.newWithOld, previous.oldWithOld] : [])];
    if (above.some((certificate) => pathLengthOf(certificate) < 1)) return undefined;
    return { ...(await createIntermediate(root, this.#clock.now(), before?.certificate)), above: [] };
  }

  /** What certificates and revocation lists are signed with. */
  get issuer(): KeyAndCertificate {
    return issuerOf(this.#requireRoot());
  }

  /** The root, while its key is here. Throws PkiError 'root_key_elsewhere'. */
  get rootKey(): KeyAndCertificate {
    return rootKeyOf(this.#requireRoot());
  }

  /** For a key that is kept elsewhere. Throws PkiError 'path_length'. */
  async removeRootKey(): Promise<void> {
    await this.#replaceRoot(withoutRootKey(this.#requireRoot()));
  }

  /** Throws PkiError 'other_root'. */
  async restoreRootKey(key: KeyAndCertificate): Promise<void> {
    await this.#replaceRoot(withRootKey(this.#requireRoot(), key));
  }

  /** Makes a key for another intermediate, which waits beside the root. @returns PKCS #10, PEM */
  async requestIntermediate(): Promise<string> {
    const { privateKey, request } = await createAuthorityRequest(this.#requireRoot().intermediate?.certificate);
    await writeSecretFile(this.#path(REQUESTED), formatRequestedKey(privateKey), 'replace');
    return request;
  }

  /**
   * Takes certificates (PEM) for the key that waits. @throws PkiError 'no_request', 'authority_refused', 'rotation_underway',
   * 'path_length', 'root_key_elsewhere'
   */
  async importIntermediate(text: string): Promise<void> {
    const path = this.#path(REQUESTED);
    const key = await readSecretFile(path);
    if (key === undefined) {
      throw new PkiError('no_request', `there is no ${path}: run --certificate-authority-request first`);
    }
    const [present, now] = [this.#requireRoot(), this.#clock.now()];
    const privateKey = parseRequestedKey(path, key);
    const issued = readIssuedAuthority(text, privateKey, present.certificate, now);
    await this.#replaceRoot(await withIssued(present, privateKey, issued, now));
    await unlink(path);
  }

  async #replaceRoot(root: RootAuthority): Promise<void> {
    await writeSecretFile(this.#path('root.pem'), formatRoot(root), 'replace');
    this.#root = root;
  }

  /** Whether the key of the root is here, and not kept elsewhere. */
  get hasRootKey(): boolean {
    return this.#requireRoot().privateKey !== undefined;
  }

  /** Until when the controller's own certificates are valid. Of those between intermediate and root, the one that ends first. */
  validity(): readonly OwnValidity[] {
    const above = this.#root?.intermediate?.above ?? [];
    const [firstAbove] = above.toSorted((left, right) => Date.parse(left.validTo) - Date.parse(right.validTo));
    const own: Readonly<Record<OwnCertificate, X509Certificate | undefined>> = {
      root: this.#root?.certificate,
      previous_root: this.#root?.previous?.oldWithOld,
      intermediate: this.#root?.intermediate?.certificate,
      above_intermediate: firstAbove,
      server: this.#server?.certificate,
    };
    return OWN_CERTIFICATES.flatMap((certificate) => {
      const one = own[certificate];
      if (one === undefined) return [];
      const [notBefore, notAfter] = [new Date(one.validFrom), new Date(one.validTo)];
      return [{ certificate, fingerprint: fingerprintOf(one), notBefore, notAfter }];
    });
  }

  get serverIdentity(): ServerTlsIdentity {
    const server = this.#server;
    if (server === undefined) throw notStarted();
    return {
      privateKey: Buffer.from(server.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      chain: Buffer.from([server.certificate, ...this.#aboveServer()].join('')),
    };
  }

  /**
   * Issues a certificate for a key of which the edge has shown that it holds the private half. Nothing is stored: record it
   * with CertificateRegistry in the transaction that justifies it.
   */
  async issueEdgeCertificate(publicKey: KeyObject, identity: EdgeIdentity): Promise<IssuedCertificate> {
    const now = this.#clock.now();
    const root = this.#requireRoot();
    const certificate = await createEdgeCertificate(
      issuerOf(root),
      publicKey,
      identity,
      now,
      this.#edgeLifetime,
      this.#revocationListUrl,
    );
    return {
      serial: certificate.serialNumber.toLowerCase(),
      certificate: certificate.raw,
      chain: [certificate, ...chainAbove(root)].map(({ raw }) => raw),
      authority: this.rootFingerprint,
      notBefore: new Date(certificate.validFrom),
      notAfter: new Date(certificate.validTo),
    };
  }

  /** True when a new server certificate was made: a third or less of the old one's life was left. */
  async renewServerIdentityIfDue(): Promise<boolean> {
    const issuer = issuerOf(this.#requireRoot());
    const current = this.#server?.certificate;
    if (current !== undefined && !this.#isDue(current) && current.verify(issuer.certificate.publicKey)) return false;
    const renewed = await createServerIdentity(issuer, this.#clock.now());
    await writeSecretFile(this.#path('server.pem'), formatIdentity(renewed), 'replace');
    this.#server = renewed;
    this.#logger.info({ notAfter: renewed.certificate.validTo }, 'server certificate made');
    return true;
  }

  #aboveServer(): readonly X509Certificate[] {
    const root = this.#requireRoot();
    return [...chainAbove(root), root.previous?.oldWithOld ?? root.certificate];
  }

  #isDue(certificate: X509Certificate): boolean {
    const from = Date.parse(certificate.validFrom);
    const to = Date.parse(certificate.validTo);
    return (to - this.#clock.now().getTime()) * 3 <= to - from;
  }

  async #loadRoot(): Promise<RootAuthority> {
    const path = this.#path('root.pem');
    const existing = await readRoot(path);
    if (existing !== undefined) {
      if (Date.parse(existing.certificate.validTo) <= this.#clock.now().getTime()) {
        throw new PkiError(
          'root_expired',
          `${path}: the root certificate has expired; every edge must be enrolled anew`,
        );
      }
      return existing;
    }
    const made = await createRoot(this.#clock.now());
    const intermediate = await this.#intermediateUnder(made, undefined, undefined);
    const created = { ...made, trustVersion: FIRST_TRUST_VERSION, previous: undefined, intermediate };
    if (await writeSecretFile(path, formatRoot(created), 'create')) {
      this.#logger.info({ notAfter: created.certificate.validTo }, 'root certificate made');
      return created;
    }
    return this.#loadRoot();
  }

  /** All trust the root: another intermediate harms nobody, and one that has expired leaves every edge outside. */
  async #withIntermediateInForce(root: RootAuthority): Promise<RootAuthority> {
    const { intermediate, previous } = root;
    const now = this.#clock.now().getTime();
    if (intermediate === undefined || Date.parse(intermediate.certificate.validTo) > now) return root;
    if (root.privateKey === undefined) throw intermediateExpired(this.#path('root.pem'));
    const renewed = { ...root, intermediate: await this.#intermediateUnder(rootKeyOf(root), previous, intermediate) };
    await writeSecretFile(this.#path('root.pem'), formatRoot(renewed), 'replace');
    this.#logger.warn('the intermediate had expired: another one was made; other controllers need root.pem');
    return renewed;
  }

  async #loadServer(root: RootAuthority): Promise<KeyAndCertificate | undefined> {
    const existing = await readIdentity(this.#path('server.pem'));
    return existing?.certificate.checkIssued(issuerOf(root).certificate) === true ? existing : undefined;
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }

  #requireRoot(): RootAuthority {
    if (this.#root === undefined) throw notStarted();
    return this.#root;
  }
}

function fingerprintOf({ raw }: X509Certificate): Buffer {
  return createHash('sha256').update(raw).digest();
}

function intermediateExpired(path: string): PkiError {
  return new PkiError(
    'intermediate_expired',
    `${path}: the certificate of the intermediate has expired, and the key of the root is not here: run --certificate-authority-request, have it certified, and run --certificate-authority-import`,
  );
}

function notStarted(): PkiError {
  return new PkiError('not_started', 'the certificate authority is used before start()');
}

/** The key of a request that was written. */
const REQUESTED = 'requested.pem';
export const OWN_CERTIFICATES = ['root', 'previous_root', 'intermediate', 'above_intermediate', 'server'] as const;
