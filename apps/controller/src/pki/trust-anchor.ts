import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { installationScope } from '../platform/database/database-scope.js';
import { BundleSigner } from './bundle-signer.js';
import { CertificateAuthority } from './certificate-authority.js';
import { PkiError } from './pki-error.js';

/**
 * Ties the keys in the data directory to the database. With another root or signing key every edge in the database
 * would refuse this controller, and each for a reason that shows only there: better not to start.
 */
@Injectable()
export class TrustAnchor {
  readonly #database: Database;
  readonly #authority: CertificateAuthority;
  readonly #signer: BundleSigner;

  constructor(database: Database, authority: CertificateAuthority, signer: BundleSigner) {
    this.#database = database;
    this.#authority = authority;
    this.#signer = signer;
  }

  /** Records both on the first start; later throws PkiError 'foreign_database' when they differ. */
  check(): Promise<void> {
    return this.#database.within(installationScope('start'), () => this.#check());
  }

  /** Throws PkiError 'not_in_use' unless a controller has been started with the root certificate that issues. */
  async requireInUse(): Promise<void> {
    const [row] = await this.#database.within(
      installationScope('start'),
      async () => this.#database.sql<{ rootFingerprint: Buffer }[]>`select root_fingerprint from trust_anchor`,
    );
    if (row?.rootFingerprint.equals(this.#authority.rootFingerprint) === true) return;
    throw new PkiError(
      'not_in_use',
      'no controller has been started with the new certificate authority yet: start all of them anew, and wait for the edges',
    );
  }

  async #check(): Promise<void> {
    const root = this.#authority.rootFingerprint;
    const signing = this.#signer.keyId;
    const recorded = await this.#database.transaction(async (sql) => {
      await sql`
        insert into trust_anchor (root_fingerprint, signing_key_id) values (${root}, ${signing})
        on conflict do nothing`;
      const [row] = await sql<{ rootFingerprint: Buffer; signingKeyId: string }[]>`
        select root_fingerprint, signing_key_id from trust_anchor`;
      return row;
    });
    if (recorded === undefined) throw new PkiError('foreign_database', 'trust_anchor has no row');
    // Either was rotated since the last start: the recorded one is among those that led to the present one.
    const rootFollows =
      recorded.rootFingerprint.equals(root) || this.#authority.previousFingerprint?.equals(recorded.rootFingerprint);
    const keyFollows =
      recorded.signingKeyId === signing ||
      this.#signer.successions.some(({ previousKeyId }) => previousKeyId === recorded.signingKeyId);
    if (rootFollows && keyFollows) {
      await this.#database.sql`update trust_anchor set root_fingerprint = ${root}, signing_key_id = ${signing}`;
      return;
    }
    throw new PkiError(
      'foreign_database',
      'the keys in WEFT_DATA_DIR/pki are not those that the edges in this database trust; restore the directory pki that belongs to it, or start with an empty database',
    );
  }
}
