import type { AhIntegrityName } from '../crypto/ah-transform.js';
import type { EncryptionName } from '../crypto/suites.js';
import type { DropReason } from '../policy/drop-reason.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import { hides, packetSelectors } from '../policy/populate.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { TrafficSelector } from '../policy/selector.js';
import { findInsertionPoint, InsertionPoint } from '../wire/ah.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { FragmentFields, parseAtomicFragment, writeWithoutFragmentHeader } from '../wire/ip/fragment.js';
import { readTrafficClass } from '../wire/ip/header.js';
import type { AcquireOutcome } from './acquire.js';
import { refusalOf } from './clear.js';
import { UNPROTECTED } from './fragment-check.js';
import { FragmentIntake } from './fragment-intake.js';
import type { InboundContext } from './inbound.js';
import type { OutboundContext } from './outbound-context.js';
import { accountOverhead, type OverheadAccount } from './overhead-account.js';
import { maximumPacketLength, pathRoom } from './packet-size.js';
import { accountPath, type PathAccount } from './path-account.js';
import { ProtectedIcmpErrors } from './protected-icmp.js';
import { factsOf, type TooLargeAction, tooLargeAction } from './too-large.js';

/** What would happen to a clear packet, and why. */
export interface Explanation {
  readonly verdict: 'transmit' | 'bypass' | 'held' | 'discard';
  readonly reason: DropReason | undefined;
  readonly entry: { readonly index: number; readonly entryId: string; readonly ruleId: string } | undefined;
  /** An ICMP error that no entry allows: the entry is that of replies to the packet that it quotes. */
  readonly byQuotedPacket: boolean;
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
  /** Of the packet protected whole. */
  readonly overhead: OverheadAccount | undefined;
  /** Undefined without a path MTU. */
  readonly path: PathAccount | undefined;
  /** The packet is too large for its path: what happens, and to `exceeds_path_mtu` the length that its source is told. */
  readonly tooLarge: { readonly action: TooLargeAction; readonly maximumPacket: number } | undefined;
  /** The packet that this fragment completes; everything else here is about that one. */
  readonly reassembled: Uint8Array | undefined;
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
  if (flow.fragment === 'whole') return explainPacket(context, flow, packet, offset, undefined, now);
  const intake = new FragmentIntake(context, context.reassembler);
  const outcome = intake.foresee(packet, offset, flow, now);
  if (outcome === 'carry') return explainPacket(context, flow, packet, offset, undefined, now);
  if (outcome === 'held') return { ...NOTHING, verdict: 'held' };
  if (typeof outcome === 'string') return discarded(outcome);
  const { packet: whole, largestFragment } = outcome;
  const explained = parseFlow(flow, whole, 0, whole.length)
    ? explainPacket(context, flow, whole, 0, largestFragment, now)
    : discarded('malformed_packet');
  return { ...explained, reassembled: whole };
}

function explainPacket(
  context: OutboundContext,
  flow: Flow,
  packet: Uint8Array,
  offset: number,
  largestFragment: number | undefined,
  now: number,
): Explanation {
  const index = context.database.search(flow, 'outbound');
  const found = context.database.entries[index];
  if (index === HIDDEN_FIELDS) return discarded('fragment_without_ports');
  if (found === undefined) return explainIcmpError(context, flow, packet, offset, largestFragment, now);
  const entry = { index, entryId: found.entryId, ruleId: found.ruleId };
  if (found.action === 'DISCARD') return { ...discarded('spd_discard'), entry };
  if (found.action === 'BYPASS') return { ...NOTHING, verdict: 'bypass', entry };
  const fields = context.database.populated[index] ?? 0;
  const place = context.database.placeOf(index, flow, 'outbound');
  const tunnel = context.tunnels[place];
  if (tunnel === undefined) return { ...discarded('no_tunnel'), entry };
  const association = tunnel.select(flow, readTrafficClass(packet, offset) >>> 2, fields);
  const explained =
    association === undefined
      ? explainAcquire(context, index, place, flow, now)
      : explainProtect(context, association, flow, packet, offset, largestFragment, now);
  return { ...explained, entry, tunnelId: tunnel.tunnelId };
}

/** A packet that no entry allows: an ICMP error may go where replies to the packet that it quotes would. */
function explainIcmpError(
  context: OutboundContext,
  flow: Flow,
  packet: Uint8Array,
  offset: number,
  largestFragment: number | undefined,
  now: number,
): Explanation {
  const { database, tunnels } = context;
  const reply = new Flow();
  const index = new ProtectedIcmpErrors().entryOfReturnTraffic(database, packet, offset, flow, reply);
  const found = database.entries[index];
  const tunnel = tunnels[database.placeOf(index, reply, 'outbound')];
  if (found?.action !== 'PROTECT' || tunnel === undefined) return discarded('no_policy');
  const dscp = readTrafficClass(packet, offset) >>> 2;
  const association = tunnel.select(reply, dscp, database.populated[index] ?? 0);
  const explained =
    association === undefined
      ? discarded('no_association')
      : explainProtect(context, association, flow, packet, offset, largestFragment, now);
  const { entryId, ruleId } = found;
  return { ...explained, entry: { index, entryId, ruleId }, tunnelId: tunnel.tunnelId, byQuotedPacket: true };
}

/** The same for a packet that arrives from the unprotected side without AH or ESP. */
export function explainClear(
  { database, fragments }: InboundContext,
  packet: Uint8Array,
  offset: number,
  length: number,
  now: number,
): Explanation {
  const flow = new Flow();
  if (!parseFlow(flow, packet, offset, length)) return discarded('malformed_packet');
  let index = database.search(flow, 'inbound');
  let reason = refusalOf(database, index);
  if (flow.fragment !== 'whole') {
    fragments.entry = index;
    reason = fragments.foresee(UNPROTECTED, database, packet, offset, flow, reason, now);
    index = fragments.entry;
  }
  const found = database.entries[index];
  const entry = found && { index, entryId: found.entryId, ruleId: found.ruleId };
  const tunnelId = database.choiceOf(index, flow, 'inbound')?.tunnelId;
  return { ...NOTHING, verdict: reason === undefined ? 'bypass' : 'discard', reason, entry, tunnelId };
}

function explainAcquire(
  { database, acquires }: OutboundContext,
  index: number,
  place: number,
  flow: Flow,
  now: number,
): Explanation {
  const fields = database.populated[index] ?? 0;
  if (hides(flow, fields)) return discarded('fragment_without_ports');
  const selectors = database.selectorsFor(index, place, packetSelectors(flow));
  return {
    ...discarded('no_association'),
    acquire: { selectors, outcome: acquires.foresee(index, place, fields, flow, now) },
  };
}

function explainProtect(
  context: OutboundContext,
  association: OutboundAssociation,
  flow: Flow,
  packet: Uint8Array,
  offset: number,
  largestFragment: number | undefined,
  now: number,
): Explanation {
  const { spi, protocol, mode, suite, sequence } = association;
  const nextSequence = ((BigInt(sequence.high) << 32n) | BigInt(sequence.low)) + 1n;
  const described = { spi, protocol, mode, suite, nextSequence };
  const exhausted = nextSequence > (association.extendedSequenceNumbers ? LAST_64 : LAST_32);
  if (association.isOver(now)) return { ...discarded('association_expired'), association: described };
  const fields = new FragmentFields();
  if (mode === 'transport' && parseAtomicFragment(fields, flow, packet, offset)) {
    const own = new Uint8Array(flow.totalLength);
    const length = writeWithoutFragmentHeader(fields, packet, offset, own, 0);
    if (!parseFlow(flow, own, 0, length) || parseAtomicFragment(fields, flow, own, 0)) {
      return { ...discarded('fragment_in_transport_mode'), association: described };
    }
    return explainProtect(context, association, flow, own, 0, largestFragment, now);
  }
  const point = new InsertionPoint();
  const isWhole = findInsertionPoint(point, packet, offset, flow.totalLength);
  if (mode === 'transport' && !isWhole) {
    return { ...discarded('fragment_in_transport_mode'), association: described };
  }
  const { family, totalLength } = flow;
  const kept = mode === 'transport' ? point.offset : 0;
  const room = pathRoom(context.associations, association, now);
  const overhead = accountOverhead(association, kept, family, totalLength, room);
  const actionOf = (length: number, limit: number) =>
    tooLargeAction(factsOf(context, association, flow, packet, offset, point.next, length, largestFragment, limit));
  const path = accountPath(context.associations, association, family, kept, now, actionOf);
  const known = { ...NOTHING, association: described, overhead, path };
  const maximumPacket = maximumPacketLength(association, room, family, kept);
  const action = overhead.total > room ? actionOf(totalLength, maximumPacket) : undefined;
  const tooLarge = action === undefined ? undefined : { action, maximumPacket };
  if (action === 'report') return { ...known, reason: 'exceeds_path_mtu', tooLarge };
  if (exhausted) return { ...known, reason: 'sequence_exhausted', tooLarge };
  return { ...known, verdict: 'transmit', tooLarge };
}

function discarded(reason: DropReason): Explanation {
  return { ...NOTHING, reason };
}

const NOTHING: Explanation = {
  verdict: 'discard',
  reason: undefined,
  entry: undefined,
  byQuotedPacket: false,
  tunnelId: undefined,
  association: undefined,
  overhead: undefined,
  path: undefined,
  tooLarge: undefined,
  reassembled: undefined,
  acquire: undefined,
};
const LAST_32 = 2n ** 32n - 1n;
const LAST_64 = 2n ** 64n - 1n;
