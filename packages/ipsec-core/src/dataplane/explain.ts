import type { AhIntegrityName } from '../crypto/ah-transform.js';
import type { EncryptionName } from '../crypto/suites.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import { hides, packetSelectors, populate } from '../policy/populate.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { ProtectPolicy } from '../policy/security-policy.js';
import type { TrafficSelector } from '../policy/selector.js';
import { ahHeaderLength, findInsertionPoint, InsertionPoint } from '../wire/ah.js';
import { ESP, espPadLength } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { outerHeaderLength, readTrafficClass } from '../wire/ip/header.js';
import type { AcquireOutcome } from './acquire.js';
import { refusalOf } from './clear.js';
import type { DropReason } from './drop-reason.js';
import type { InboundContext } from './inbound.js';
import type { OutboundContext } from './outbound.js';

/** Where every octet of a protected packet comes from; the numbers add up to `total`. */
export interface OverheadAccount {
  /** The clear packet, or in transport mode what follows its headers. */
  readonly payload: number;
  /** Headers that the packet keeps (transport mode), or the tunnel header that the engine writes. */
  readonly ipHeader: number;
  /** SPI and sequence number, or the AH header without its ICV field. */
  readonly header: number;
  readonly iv: number;
  readonly confidentialityPadding: number;
  readonly padding: number;
  /** Pad length and next header. */
  readonly trailer: number;
  readonly icv: number;
  readonly total: number;
}

/** What would happen to a clear packet, and why. */
export interface Explanation {
  readonly verdict: 'transmit' | 'bypass' | 'discard';
  readonly reason: DropReason | undefined;
  readonly entry: { readonly index: number; readonly entryId: string; readonly ruleId: string } | undefined;
  readonly tunnelId: string | undefined;
  readonly association:
    | {
        readonly spi: number;
        readonly protocol: 'esp' | 'ah';
        readonly mode: 'tunnel' | 'transport';
        readonly suite: EncryptionName | AhIntegrityName;
        /** Number that the packet would carry. */
        readonly nextSequence: bigint;
      }
    | undefined;
  readonly overhead: OverheadAccount | undefined;
  /** There is no association: what key management is asked for, and whether this packet makes it hear so. */
  readonly acquire: { readonly selectors: readonly TrafficSelector[]; readonly outcome: AcquireOutcome } | undefined;
}

/** Follows a packet through outbound processing without changing anything: no counter, no number, no cache. */
export function explainOutbound(
  context: OutboundContext,
  packet: Uint8Array,
  offset: number,
  length: number,
  now: number,
): Explanation {
  const flow = new Flow();
  if (!parseFlow(flow, packet, offset, length)) return discarded('malformed_packet');
  const index = context.database.search(flow, 'outbound');
  const found = context.database.entries[index];
  if (found === undefined) return discarded(index === HIDDEN_FIELDS ? 'fragment_without_ports' : 'no_policy');
  const entry = { index, entryId: found.entryId, ruleId: found.ruleId };
  if (found.action === 'DISCARD') return { ...discarded('spd_discard'), entry };
  if (found.action === 'BYPASS') return { ...NOTHING, verdict: 'bypass', entry };
  const fields = context.database.populated[index] ?? 0;
  const association = context.tunnels[index]?.select(flow, readTrafficClass(packet, offset) >>> 2, fields);
  const explained =
    association === undefined
      ? explainAcquire(context, found, index, flow, now)
      : explainProtect(association, packet, offset, flow.totalLength, now);
  return { ...explained, entry, tunnelId: found.tunnelId };
}

/** The same for a packet that arrives from the unprotected side without AH or ESP. */
export function explainClear(
  { database }: InboundContext,
  packet: Uint8Array,
  offset: number,
  length: number,
): Explanation {
  const flow = new Flow();
  if (!parseFlow(flow, packet, offset, length)) return discarded('malformed_packet');
  const index = database.search(flow, 'inbound');
  const found = database.entries[index];
  const entry = found && { index, entryId: found.entryId, ruleId: found.ruleId };
  const tunnelId = found?.action === 'PROTECT' ? found.tunnelId : undefined;
  const reason = refusalOf(database, index);
  return { ...NOTHING, verdict: reason === undefined ? 'bypass' : 'discard', reason, entry, tunnelId };
}

function explainAcquire(
  { database, acquires }: OutboundContext,
  entry: ProtectPolicy,
  index: number,
  flow: Flow,
  now: number,
): Explanation {
  const fields = database.populated[index] ?? 0;
  if (hides(flow, fields)) return discarded('fragment_without_ports');
  const selectors = populate(entry, packetSelectors(flow));
  return {
    ...discarded('no_association'),
    acquire: { selectors, outcome: acquires.foresee(index, fields, flow, now) },
  };
}

function explainProtect(
  association: OutboundAssociation,
  packet: Uint8Array,
  offset: number,
  length: number,
  now: number,
): Explanation {
  const { spi, protocol, mode, suite, sequence } = association;
  const nextSequence = ((BigInt(sequence.high) << 32n) | BigInt(sequence.low)) + 1n;
  const described = { spi, protocol, mode, suite, nextSequence };
  const exhausted = nextSequence > (association.extendedSequenceNumbers ? LAST_64 : LAST_32);
  if (association.isOver(now)) return { ...discarded('association_expired'), association: described };
  if (exhausted) return { ...discarded('sequence_exhausted'), association: described };
  const point = new InsertionPoint();
  if (mode === 'transport' && !findInsertionPoint(point, packet, offset, length)) {
    return { ...discarded('fragment_in_transport_mode'), association: described };
  }
  const family = (packet[offset] ?? 0) >>> 4 === 4 ? 4 : 6;
  const overhead = account(association, mode === 'transport' ? point.offset : 0, family, length);
  return { ...NOTHING, verdict: 'transmit', association: described, overhead };
}

function account(association: OutboundAssociation, kept: number, family: 4 | 6, length: number): OverheadAccount {
  const { esp, ah, outer, padTo } = association;
  const payload = length - kept;
  const ipHeader = outer === undefined ? kept : outerHeaderLength(outer.family);
  const none = { iv: 0, confidentialityPadding: 0, padding: 0, trailer: 0, icv: 0 };
  let parts = { payload, ipHeader, header: 0, ...none };
  if (esp !== undefined) {
    const padded = Math.ceil(payload / padTo) * padTo;
    parts = {
      ...parts,
      header: ESP.headerLength,
      iv: esp.ivLength,
      confidentialityPadding: padded - payload,
      padding: espPadLength(padded, esp.alignment),
      trailer: ESP.trailerLength,
      icv: esp.icvLength,
    };
  } else if (ah !== undefined) {
    const whole = ahHeaderLength(outer?.family ?? family, ah.icvFieldLength);
    parts = { ...parts, header: whole - ah.icvFieldLength, icv: ah.icvFieldLength };
  }
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

function discarded(reason: DropReason): Explanation {
  return { ...NOTHING, reason };
}

const NOTHING: Explanation = {
  verdict: 'discard',
  reason: undefined,
  entry: undefined,
  tunnelId: undefined,
  association: undefined,
  overhead: undefined,
  acquire: undefined,
};
const LAST_32 = 2n ** 32n - 1n;
const LAST_64 = 2n ** 64n - 1n;
