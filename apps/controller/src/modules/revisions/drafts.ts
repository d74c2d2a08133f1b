import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { FabricIntent } from '@weft/fabric-compiler';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { IntentRepository } from './intent.repository.js';
import { RevisionsRepository, type StoredRevision } from './revisions.repository.js';

/** The intent as it stands in the tables that people edit, and the revision that it would follow. */
export interface DraftState {
  readonly newest: StoredRevision | undefined;
  readonly intent: FabricIntent;
  /** Whether the two differ. */
  readonly changed: boolean;
  /** Names both: whoever has seen a version knows what would be published, and after what. */
  readonly version: string;
}

@Injectable()
export class Drafts {
  readonly #intents: IntentRepository;
  readonly #revisions: RevisionsRepository;

  constructor(intents: IntentRepository, revisions: RevisionsRepository) {
    this.#intents = intents;
    this.#revisions = revisions;
  }

  async read(sql: SqlExecutor, tenantId: string): Promise<DraftState> {
    const newest = await this.#revisions.newest(sql, tenantId);
    const intent = await this.#intents.read(sql, tenantId);
    const changed = !isDeepStrictEqual(newest?.intent, intent);
    return { newest, intent, changed, version: versionOf(newest?.revision.number ?? 0, intent) };
  }
}

/** Of an intent that would follow the revision with that number. */
export function versionOf(base: number, intent: FabricIntent): string {
  // The order of names and of lists is that of the statement that reads them.
  const digest = createHash('sha256').update(JSON.stringify(intent)).digest('hex');
  return `${base}-${digest.slice(0, VERSION_DIGITS)}`;
}

const VERSION_DIGITS = 32;
