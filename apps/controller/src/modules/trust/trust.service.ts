import { Injectable } from '@nestjs/common';
import { AuthorityAlarms } from '../../pki/authority-alarms.js';
import { AuthorityAlarmsRepository } from '../../pki/authority-alarms.repository.js';
import { type Expiry, remedyOf } from '../../pki/authority-expiry.js';
import { BundleSigner } from '../../pki/bundle-signer.js';
import { CertificateAuthority } from '../../pki/certificate-authority.js';
import { EdgeTrustRepository } from '../../pki/edge-trust.repository.js';
import { type PublishedList, RevocationLists } from '../../pki/revocation-lists.js';
import { Clock } from '../../platform/clock/clock.js';
import type { SqlExecutor } from '../../platform/database/connection-options.js';
import { Database } from '../../platform/database/database.js';
import type { TrustDependent, TrustedItem, TrustState } from './trust.dto.js';

/** What the edges of a tenant trust, in the words of the API. */
@Injectable()
export class TrustService {
  constructor(
    private readonly database: Database,
    private readonly authority: CertificateAuthority,
    private readonly alarms: AuthorityAlarms,
    private readonly alarmsRepository: AuthorityAlarmsRepository,
    private readonly trust: EdgeTrustRepository,
    private readonly signer: BundleSigner,
    private readonly lists: RevocationLists,
    private readonly clock: Clock,
  ) {}

  /** Throws DatabaseUnavailableError. */
  async read(tenantId: string): Promise<TrustState> {
    const list = await this.lists.current();
    const { raised, edges, ofPrevious } = await this.database.transaction((sql) => this.#look(sql, tenantId));
    const now = this.clock.now();
    const items = this.alarms.current().map((expiry): TrustedItem => {
      const alarm = raised.find(({ fingerprint }) => fingerprint.equals(expiry.fingerprint));
      const of = expiry.certificate === 'previous_root' ? ofPrevious : edges;
      return certificateItem(expiry, {
        now,
        dependents: of,
        raisedAt: alarm?.raisedAt,
        hasRootKey: this.authority.hasRootKey,
      });
    });
    return { items: [...items, listItem(list, now), keyItem(this.signer.keyId, edges)] };
  }

  async #look(sql: SqlExecutor, tenantId: string) {
    const raised = await this.alarmsRepository.raised(sql);
    const edges = await this.trust.certified(sql, tenantId);
    const { rootFingerprint, previousFingerprint, trusted } = this.authority;
    const ofPrevious =
      previousFingerprint === undefined ? [] : await this.trust.dependents(sql, rootFingerprint, trusted.version);
    return { raised, edges: edges.map((edge) => ({ ...edge, reason: 'certificate' as const })), ofPrevious };
  }
}

interface Surroundings {
  readonly now: Date;
  readonly dependents: readonly TrustDependent[];
  readonly raisedAt: Date | undefined;
  readonly hasRootKey: boolean;
}

function certificateItem(expiry: Expiry, { now, dependents, raisedAt, hasRootKey }: Surroundings): TrustedItem {
  const { certificate, fingerprint, notBefore, notAfter, alarmFrom, condition } = expiry;
  // The one before is to go as soon as nothing depends on it, whenever it ends.
  const calls = condition !== 'valid' || certificate === 'previous_root';
  return {
    kind: certificate,
    fingerprint: fingerprint.toString('hex'),
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    daysLeft: daysUntil(notAfter, now),
    alarmFrom: alarmFrom.toISOString(),
    condition,
    raisedAt: raisedAt?.toISOString() ?? null,
    ...named(dependents),
    remedy: calls ? remedyOf(certificate, hasRootKey) : null,
  };
}

/** It is made anew when it is asked for: what would end is what signs it. */
function listItem({ thisUpdate, nextUpdate }: PublishedList, now: Date): TrustedItem {
  return {
    ...WITHOUT_ALARM,
    kind: 'revocation_list',
    fingerprint: null,
    notBefore: thisUpdate.toISOString(),
    notAfter: nextUpdate.toISOString(),
    daysLeft: daysUntil(nextUpdate, now),
    ...named([]),
  };
}

function keyItem(keyId: string, edges: readonly TrustDependent[]): TrustedItem {
  const endless = { notBefore: null, notAfter: null, daysLeft: null };
  return { ...WITHOUT_ALARM, kind: 'signing_key', fingerprint: keyId, ...endless, ...named(edges) };
}

function named(dependents: readonly TrustDependent[]): Pick<TrustedItem, 'dependents' | 'dependentCount'> {
  const first = dependents.slice(0, NAMED_MAXIMUM);
  return {
    dependents: first.map(({ edgeId, edgeName, reason }) => ({ edgeId, edgeName, reason })),
    dependentCount: dependents.length,
  };
}

function daysUntil(end: Date, now: Date): number {
  return Math.max(0, Math.floor((end.getTime() - now.getTime()) / DAY_MILLISECONDS));
}

const WITHOUT_ALARM = { alarmFrom: null, condition: 'valid', raisedAt: null, remedy: null } as const;
const NAMED_MAXIMUM = 100;
const DAY_MILLISECONDS = 86_400_000;
