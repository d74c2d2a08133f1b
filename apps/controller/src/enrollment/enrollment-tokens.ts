import { Injectable } from '@nestjs/common';
import { ControllerConfig } from '../config/controller-config.js';
import { formatHostPort } from '../config/listen-address.js';
import { CertificateAuthority } from '../pki/certificate-authority.js';
import { Database } from '../platform/database/database.js';
import { EnrollmentServer } from '../platform/grpc/enrollment-server.js';
import { createToken, formatToken, hashSecret } from './enrollment-token.js';
import { EnrollmentTokensRepository } from './enrollment-tokens.repository.js';

/** A token, readable this once. */
export interface CreatedEnrollmentToken {
  readonly token: string;
  readonly expiresAt: Date;
  /** The line to paste on the machine that becomes the edge. */
  readonly command: string;
}

/** A token was asked for an edge that does not exist (any more) in the tenant. */
export class UnknownEdgeError extends Error {
  override readonly name = 'UnknownEdgeError';
  readonly code = 'unknown_edge';

  constructor(
    readonly tenantId: string,
    readonly edgeId: string,
  ) {
    super(`there is no edge ${edgeId} in tenant ${tenantId}`);
  }
}

/** Default of `lifetimeMilliseconds`. */
export const ENROLLMENT_TOKEN_LIFETIME_MILLISECONDS = 3_600_000;

/** Makes one-time enrollment tokens. */
@Injectable()
export class EnrollmentTokens {
  readonly #config: ControllerConfig;
  readonly #database: Database;
  readonly #authority: CertificateAuthority;
  readonly #server: EnrollmentServer;
  readonly #repository: EnrollmentTokensRepository;

  constructor(
    config: ControllerConfig,
    database: Database,
    authority: CertificateAuthority,
    server: EnrollmentServer,
    repository: EnrollmentTokensRepository,
  ) {
    this.#config = config;
    this.#database = database;
    this.#authority = authority;
    this.#server = server;
    this.#repository = repository;
  }

  /**
   * Makes a token for an edge. Its unused earlier ones become void; an edge that is enrolled already keeps its
   * certificate until the new token is used.
   *
   * @throws UnknownEdgeError, DatabaseUnavailableError
   */
  async create(
    tenantId: string,
    edgeId: string,
    lifetimeMilliseconds = ENROLLMENT_TOKEN_LIFETIME_MILLISECONDS,
  ): Promise<CreatedEnrollmentToken> {
    const parts = createToken(this.#authority.pinnedFingerprint);
    const hash = hashSecret(parts.secret);
    const seconds = lifetimeMilliseconds / 1_000;
    const expiresAt = await this.#database.transaction((sql) =>
      this.#repository.add(sql, tenantId, edgeId, hash, seconds),
    );
    if (expiresAt === undefined) throw new UnknownEdgeError(tenantId, edgeId);
    const token = formatToken(parts);
    const controller = formatHostPort(this.#config.publicHost, this.#server.port);
    return { token, expiresAt, command: `weft-edge enroll --controller ${controller} --token ${token}` };
  }
}
