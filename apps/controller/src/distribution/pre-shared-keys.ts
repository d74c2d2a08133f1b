import { Injectable } from '@nestjs/common';
import type { Bundle, PreSharedKey } from '@weft/contracts/southbound';
import { openingOf, sealingPlace } from '../modules/external-peers/pre-shared-key.js';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { SecretBox } from '../platform/secrets/secret-box.js';

/** A bundle commits to a key that is not stored. */
export class MissingPreSharedKeyError extends Error {
  override readonly name = 'MissingPreSharedKeyError';
  readonly code = 'missing_pre_shared_key';

  constructor(readonly peerName: string) {
    super(`the pre-shared key of the external peer "${peerName}" is not stored; set it anew and publish`);
  }
}

/** The keys that bundles commit to, sealed as they are stored until a bundle is sent. */
@Injectable()
export class PreSharedKeys {
  readonly #secrets: SecretBox;
  /** By tenant, by commitment in lower-case hex. */
  readonly #sealed = new Map<string, ReadonlyMap<string, Buffer>>();

  constructor(secrets: SecretBox) {
    this.#secrets = secrets;
  }

  /** Reads those of a tenant. Whatever revision was read before names none that is not among them. */
  async load(sql: SqlExecutor, tenantId: string): Promise<void> {
    this.#sealed.set(tenantId, await sealedKeys(sql, tenantId));
  }

  /** What a bundle commits to, each once. Throws MissingPreSharedKeyError, DomainError 'secret_unreadable'. */
  opened(tenantId: string, { tunnels }: Bundle): readonly PreSharedKey[] {
    const keys = new Map<string, PreSharedKey>();
    for (const { externalPeer, peerName } of tunnels) {
      if (externalPeer?.authentication?.$case !== 'preSharedKeyCommitment') continue;
      const commitment = externalPeer.authentication.value.toString('hex');
      const sealed = this.#sealed.get(tenantId)?.get(commitment);
      if (sealed === undefined) throw new MissingPreSharedKeyError(peerName);
      keys.set(commitment, openingOf(this.#secrets.open(sealingPlace(tenantId, commitment), sealed)));
    }
    return [...keys.values()];
  }
}

/** By commitment. */
export async function sealedKeys(sql: SqlExecutor, tenantId: string): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await sql<{ commitment: string; sealed: Buffer }[]>`
    select encode(commitment, 'hex') as commitment, sealed from pre_shared_keys where tenant_id = ${tenantId}`;
  return new Map(rows.map(({ commitment, sealed }) => [commitment, sealed]));
}
