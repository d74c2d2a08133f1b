import type { AhIntegrityName } from '../crypto/ah-transform.js';
import type { Direction } from '../crypto/provider.js';
import type { EncryptionName } from '../crypto/suites.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import { type AssociationState, InboundAssociation, OutboundAssociation } from '../policy/security-association.js';
import type { TrafficSelector } from '../policy/selector.js';

/** One association at one moment. */
export interface AssociationSnapshot {
  readonly direction: Direction;
  readonly tunnelId: string;
  readonly spi: number;
  readonly suite: EncryptionName | AhIntegrityName;
  /** Outbound: whether new packets go out on it. Inbound: always true. */
  readonly current: boolean;
  readonly state: AssociationState;
  /** What it may carry; undefined: whatever the entries of its tunnel do. */
  readonly selectors: readonly TrafficSelector[] | undefined;
  readonly packets: bigint;
  /** Inner octets. */
  readonly bytes: bigint;
  /** Outbound: last number sent; inbound: highest number accepted. */
  readonly sequence: bigint;
  readonly installedAt: number;
  readonly lastUsedAt: number | undefined;
  readonly hardExpiresAt: number;
  /** Outbound, of one that was installed with it: octets of the largest packet that its path is believed to carry. */
  readonly pathMtu: number | undefined;
}

/** All that are installed; `now` says how old path MTUs are. */
export function associationSnapshots(
  associations: SecurityAssociationDatabase,
  now: number,
): readonly AssociationSnapshot[] {
  const current = new Set(associations.tunnels().flatMap((tunnel) => [...tunnel.current()]));
  return associations.all().map(([direction, association]) => ({
    direction,
    tunnelId: association.tunnelId,
    spi: association.spi,
    suite: association.suite,
    current: !(association instanceof OutboundAssociation) || current.has(association),
    state: association.state,
    selectors: association.traffic.selectors?.selectors,
    packets: BigInt(association.packets),
    bytes: BigInt(association.bytes),
    sequence: sequenceOf(association),
    installedAt: association.installedAt,
    lastUsedAt: association.lastUsedAt,
    hardExpiresAt: association.lifetime.hardAt,
    pathMtu: association instanceof OutboundAssociation ? association.pathMtu?.current(now) : undefined,
  }));
}

function sequenceOf(association: unknown): bigint {
  if (association instanceof OutboundAssociation) return join(association.sequence.high, association.sequence.low);
  if (association instanceof InboundAssociation) return join(association.window.topHigh, association.window.topLow);
  return 0n;
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
