import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { SecretBox } from '../../platform/secrets/secret-box.js';
import { ExternalPeersRepository } from './external-peers.repository.js';
import { committedKey, openingOf, sealingPlace } from './pre-shared-key.js';

/** Pre-shared keys as they are stored: sealed, and named by their commitments. */
@Injectable()
export class ExternalPeerKeys {
  readonly #repository: ExternalPeersRepository;
  readonly #secrets: SecretBox;

  constructor(repository: ExternalPeersRepository, secrets: SecretBox) {
    this.#repository = repository;
    this.#secrets = secrets;
  }

  /** Seals a key under a name of its own: the same key set twice has two. */
  async keep(sql: SqlExecutor, tenantId: string, key: string): Promise<string> {
    const { commitment, opening } = committedKey(key);
    const sealed = this.#secrets.seal(sealingPlace(tenantId, commitment), opening);
    opening.fill(0);
    await this.#repository.insertKey(sql, tenantId, commitment, sealed);
    return commitment;
  }

  /** Whether a key is known to be the one of a commitment. */
  async holds(sql: SqlExecutor, tenantId: string, commitment: string, key: string): Promise<boolean> {
    const sealed = await this.#repository.sealedKey(sql, tenantId, commitment);
    const opening = sealed && this.#opened(sealingPlace(tenantId, commitment), sealed);
    if (opening === undefined) return false;
    const [stored, given] = [openingOf(opening).key, Buffer.from(key, 'ascii')];
    const same = stored.length === given.length && timingSafeEqual(stored, given);
    opening.fill(0);
    given.fill(0);
    return same;
  }

  /** Undefined for what no longer opens: whoever has the key sets it anew, which is the way out. */
  #opened(place: string, sealed: Uint8Array): Buffer | undefined {
    try {
      return this.#secrets.open(place, sealed);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'secret_unreadable') return undefined;
      throw error;
    }
  }
}
