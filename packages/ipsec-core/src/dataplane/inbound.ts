import { copyOctets, readUint32 } from '../bytes/octets.js';
import { inferSequenceHigh } from '../policy/extended-sequence.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { InboundAssociation } from '../policy/security-association.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';
import { AH, ahHeaderLength, findProtection, InsertionPoint, readAhLength } from '../wire/ah.js';
import { ESP, ESP_DUMMY, espPayloadLength } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { FragmentFields, parseAtomicFragment, writeWithoutFragmentHeader } from '../wire/ip/fragment.js';
import { readTrafficClass, writeTotalLength } from '../wire/ip/header.js';
import { OPAQUE_PROTOCOL, PROTOCOL } from '../wire/ip/protocol.js';
import { isIcmpError } from '../wire/ip/quote.js';
import type { DropCounters, DropReason } from './drop-reason.js';
import type { EcnCounters } from './ecn-counters.js';
import type { FragmentCheck } from './fragment-check.js';
import { clampMaximumSegmentSize, isSyn } from './mss-clamp.js';
import { absorbOuterTrafficClass } from './outer-traffic-class.js';
import { maximumPacketLength, pathRoom } from './packet-size.js';
import type { PolicyCounterTable } from './policy-counters.js';
import type { ProtectedIcmpErrors } from './protected-icmp.js';
import type { InboundResult, Writable } from './verdict.js';

export interface InboundContext {
  database: SecurityPolicyDatabase;
  readonly associations: SecurityAssociationDatabase;
  readonly policies: PolicyCounterTable;
  readonly drops: DropCounters;
  readonly ecn: EcnCounters;
  readonly fragments: FragmentCheck;
  readonly icmp: ProtectedIcmpErrors;
}

/** RFC 4301 section 5.2, RFC 4302 section 3.4 and RFC 4303 section 3.4: protected packet in, clear packet out. */
export class InboundProcessor {
  readonly #context: InboundContext;
  readonly #flow = new Flow();
  readonly #fields = new FragmentFields();
  readonly #point = new InsertionPoint();
  readonly #result: Writable<InboundResult> = { verdict: 'discard', tunnelId: '', length: 0, reason: undefined };
  /** What the last step left: the number found, the next header of a decrypted trailer, or the entry that allows a packet. */
  #sequenceHigh = 0;
  #next = 0;
  #entry = 0;

  constructor(context: InboundContext) {
    this.#context = context;
  }

  /** An ESP packet whose outer header a UDP socket has taken off; `outerTrafficClass` is what that header carried. */
  openEsp(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    outerTrafficClass: number,
  ): InboundResult {
    if (length < ESP.headerLength || offset + length > packet.length) return this.#discard('malformed_esp');
    const association = this.#context.associations.inbound(readUint32(packet, offset + ESP.spi));
    if (association === undefined) return this.#discard('unknown_spi');
    const { tunnelId } = association;
    if (association.mode !== 'tunnel') return this.#discard('mode_mismatch', tunnelId);
    if (association.bundledWith !== undefined) return this.#discard('bundle_incomplete', tunnelId);
    const payload = this.#openEsp(association, packet, offset, length, out, outOffset, now);
    if (typeof payload === 'string') return this.#discard(payload, tunnelId);
    const inner = this.#leaveTunnel(association, out, outOffset, payload, outerTrafficClass);
    if (inner !== undefined) return this.#discard(inner, tunnelId);
    return this.#deliver(association, out, outOffset, now);
  }

  /** A whole IP packet that carries AH or ESP, with the headers it arrived with. Bundles are opened to the end. */
  openIp(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): InboundResult {
    const flow = this.#flow;
    let from = packet;
    let at = offset;
    let size = length;
    let through: InboundAssociation | undefined;
    for (let depth = 0; depth < MAXIMUM_BUNDLE; depth++) {
      if (!parseFlow(flow, from, at, size)) return this.#discard('malformed_packet');
      size = flow.totalLength;
      if (!findProtection(this.#point, from, at, size)) {
        const whole = this.#leaveFragmentHeaderOut(from, at, out, outOffset);
        if (typeof whole === 'string') return this.#discard(whole, through?.tunnelId);
        from = out;
        at = outOffset;
        size = whole;
      }
      const association = this.#associationAt(from, at, size);
      if (typeof association === 'string') return this.#discard(association, through?.tunnelId);
      if (association.bundledWith !== through?.tunnelId) {
        return this.#discard('bundle_incomplete', association.tunnelId);
      }
      const opened = this.#openLayer(association, from, at, size, out, outOffset, now);
      if (typeof opened === 'string') return this.#discard(opened, association.tunnelId);
      from = out;
      at = outOffset;
      size = opened;
      if (!this.#isBundled(out, outOffset, size, association.tunnelId)) {
        return this.#deliver(association, out, outOffset, now);
      }
      association.count(size, now);
      through = association;
    }
    return this.#discard('bundle_too_deep', through?.tunnelId);
  }

  /**
   * A packet whose AH or ESP header stands behind a fragment header that says that the packet is whole is written to `out`
   * without that one. Returns its length.
   */
  #leaveFragmentHeaderOut(packet: Uint8Array, offset: number, out: Uint8Array, outOffset: number): number | DropReason {
    const flow = this.#flow;
    if (!this.#isUnderlayFragment()) return 'not_ipsec';
    if (!parseAtomicFragment(this.#fields, flow, packet, offset)) return 'underlay_fragment';
    const { headerLength, dataLength } = this.#fields;
    if (outOffset + headerLength + dataLength > out.length) return 'buffer_too_small';
    if (out === packet && outOffset > offset) return 'buffer_too_small';
    const length = writeWithoutFragmentHeader(this.#fields, packet, offset, out, outOffset);
    if (!parseFlow(flow, out, outOffset, length)) return 'malformed_packet';
    return findProtection(this.#point, out, outOffset, length) ? length : 'underlay_fragment';
  }

  /**
   * RFC 4303 section 3.4.1: "If a packet offered to ESP for processing appears to be an IP fragment … the receiver MUST
   * discard the packet"; RFC 4302 section 3.4.1 likewise.
   */
  #isUnderlayFragment(): boolean {
    const { fragment, protocol } = this.#flow;
    if (fragment === 'whole' && this.#point.next !== PROTOCOL.fragment) return false;
    // A later fragment may hide the protocol behind an extension header.
    return protocol === PROTOCOL.esp || protocol === PROTOCOL.ah || protocol === OPAQUE_PROTOCOL;
  }

  /** Whether what came out carries another association of ours that names this one as the one around it. */
  #isBundled(packet: Uint8Array, offset: number, length: number, tunnelId: string): boolean {
    if (!parseFlow(this.#flow, packet, offset, length)) return false;
    if (!findProtection(this.#point, packet, offset, this.#flow.totalLength)) return false;
    const next = this.#associationAt(packet, offset, this.#flow.totalLength);
    return typeof next !== 'string' && next.bundledWith === tunnelId;
  }

  #associationAt(packet: Uint8Array, offset: number, length: number): InboundAssociation | DropReason {
    const { associations } = this.#context;
    const at = offset + this.#point.offset;
    const available = length - this.#point.offset;
    if (this.#point.next === PROTOCOL.esp) {
      if (available < ESP.headerLength) return 'malformed_esp';
      return associations.inbound(readUint32(packet, at + ESP.spi)) ?? 'unknown_spi';
    }
    if (available < AH.icv) return 'malformed_ah';
    return associations.inboundAh(readUint32(packet, at + AH.spi)) ?? 'unknown_spi';
  }

  /** One AH or ESP header: the clear IP packet is at outOffset; returns its length. */
  #openLayer(
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    const { offset: header, nextHeaderField } = this.#point;
    const outerTrafficClass = readTrafficClass(packet, offset);
    const tunnel = association.mode === 'tunnel';
    // In transport mode the packet's own headers go in front of the payload.
    const target = tunnel ? outOffset : outOffset + header;
    const headerFirst = !tunnel && outOffset <= offset;
    if (!tunnel && outOffset + length > out.length) return 'buffer_too_small';
    if (association.ah !== undefined) {
      const payload = this.#verifyAh(association, packet, offset, length, header, now);
      if (typeof payload === 'string') return payload;
      if (target + payload > out.length) return 'buffer_too_small';
      if (headerFirst) copyOctets(packet, offset, header, out, outOffset);
      copyOctets(packet, offset + length - payload, payload, out, target);
      if (!tunnel && !headerFirst) copyOctets(packet, offset, header, out, outOffset);
      return this.#assemble(association, out, outOffset, header, nextHeaderField, payload, outerTrafficClass);
    }
    if (!tunnel && out === packet && !headerFirst) return 'buffer_too_small';
    // In one memory the payload may land on the header: it is moved away first.
    if (!tunnel) copyOctets(packet, offset, header, out, outOffset);
    const payload = this.#openEsp(association, packet, offset + header, length - header, out, target, now);
    if (typeof payload === 'string') return payload;
    return this.#assemble(association, out, outOffset, header, nextHeaderField, payload, outerTrafficClass);
  }

  #assemble(
    association: InboundAssociation,
    out: Uint8Array,
    outOffset: number,
    header: number,
    nextHeaderField: number,
    payload: number,
    outerTrafficClass: number,
  ): number | DropReason {
    if (association.mode === 'tunnel') {
      return this.#leaveTunnel(association, out, outOffset, payload, outerTrafficClass) ?? this.#flow.totalLength;
    }
    if (this.#next === ESP_DUMMY) return 'dummy_packet';
    out[outOffset + nextHeaderField] = this.#next;
    writeTotalLength(out, outOffset, header + payload);
    return header + payload;
  }

  /** Replay check, integrity, decryption, replay commit. Returns the length of the payload in `out`. */
  #openEsp(
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    const { esp } = association;
    if (esp === undefined) return 'unknown_spi';
    const sealed = length - ESP.headerLength - esp.ivLength - esp.icvLength;
    if (sealed < ESP.trailerLength || sealed % esp.alignment !== 0) return 'malformed_esp';
    if (outOffset + sealed > out.length) return 'buffer_too_small';
    const low = readUint32(packet, offset + ESP.sequence);
    const refusal = this.#admit(association, low, now);
    if (refusal !== undefined) return refusal;
    const high = this.#sequenceHigh;
    if (!esp.open(packet, offset, length, high, out, outOffset)) return 'integrity_failed';
    association.window.commit(high, low);
    this.#next = out[outOffset + sealed - 1] ?? 0;
    const payload = espPayloadLength(out, outOffset, sealed);
    return payload < 0 ? 'bad_padding' : payload;
  }

  /** Returns the length of what follows the AH header. */
  #verifyAh(
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    header: number,
    now: number,
  ): number | DropReason {
    const { ah } = association;
    const ahLength = readAhLength(packet, offset + header, length - header);
    const family = (packet[offset] ?? 0) >>> 4 === 4 ? 4 : 6;
    if (ah === undefined || ahLength !== ahHeaderLength(family, ah.icvFieldLength)) return 'malformed_ah';
    const low = readUint32(packet, offset + header + AH.sequence);
    const refusal = this.#admit(association, low, now);
    if (refusal !== undefined) return refusal;
    const high = this.#sequenceHigh;
    if (!ah.verify(packet, offset, length, header, high)) return 'integrity_failed';
    association.window.commit(high, low);
    this.#next = packet[offset + header + AH.next] ?? 0;
    return length - header - ahLength;
  }

  /** Lifetime and replay check; leaves the high half of the number in #sequenceHigh. */
  #admit(association: InboundAssociation, low: number, now: number): DropReason | undefined {
    if (association.isOver(now)) return 'association_expired';
    const { window } = association;
    const high = association.extendedSequenceNumbers
      ? inferSequenceHigh(low, window.topHigh, window.topLow, window.size)
      : 0;
    // The first packet carries 1: number 0 was never sent.
    if (high < 0 || (high === 0 && low === 0)) return 'replay_late';
    const replay = window.check(high, low);
    if (replay !== 'fresh') return replay === 'late' ? 'replay_late' : 'replayed';
    this.#sequenceHigh = high;
    return undefined;
  }

  /** What left a tunnel must be a whole packet of the announced family; it takes over what it must of the outer header. */
  #leaveTunnel(
    association: InboundAssociation,
    out: Uint8Array,
    offset: number,
    payload: number,
    outerTrafficClass: number,
  ): DropReason | undefined {
    const next = this.#next;
    if (next === ESP_DUMMY) return 'dummy_packet';
    if (next !== PROTOCOL.ipv4 && next !== PROTOCOL.ipv6) return 'bad_next_header';
    const flow = this.#flow;
    // The packet may be shorter than the payload: traffic flow confidentiality padding (RFC 4303 section 2.7).
    if (!parseFlow(flow, out, offset, payload)) return 'malformed_inner_packet';
    if (flow.family !== (next === PROTOCOL.ipv4 ? 4 : 6)) return 'malformed_inner_packet';
    const { ecn } = this.#context;
    return absorbOuterTrafficClass(association, ecn, out, offset, outerTrafficClass)
      ? undefined
      : 'ecn_congestion_lost';
  }

  /** Policy must let this packet come out of this tunnel (RFC 4301 section 5.2 step 4). */
  #deliver(association: InboundAssociation, out: Uint8Array, outOffset: number, now: number): InboundResult {
    const { tunnelId, mode } = association;
    const flow = this.#flow;
    if (mode === 'transport' && !parseFlow(flow, out, outOffset, out.length - outOffset)) {
      return this.#discard('malformed_inner_packet', tunnelId);
    }
    const refusal = this.#checkPolicy(association, out, outOffset, now);
    if (refusal !== undefined) return this.#discard(refusal, tunnelId);
    const { totalLength } = flow;
    const tunnel = this.#context.associations.tunnel(tunnelId);
    if (isSyn(out, outOffset, flow)) this.#clamp(tunnel, out, outOffset, now);
    this.#context.policies.countInbound(this.#entry, totalLength);
    association.count(totalLength, now);
    tunnel.countReceived(totalLength, now);
    const result = this.#result;
    result.verdict = 'deliver';
    result.tunnelId = tunnelId;
    result.length = totalLength;
    result.reason = undefined;
    return result;
  }

  /** The selector check, and what it means for fragments and for ICMP errors. */
  #checkPolicy(
    association: InboundAssociation,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): DropReason | undefined {
    const { database, fragments, icmp } = this.#context;
    const flow = this.#flow;
    const refusal = this.#checkSelectors(association);
    if (isIcmpError(flow)) {
      const allowed = refusal === undefined;
      const admitted = icmp.admits(database, association, out, outOffset, flow, allowed, this.#entry);
      return admitted ? undefined : 'icmp_error_mismatch';
    }
    if (flow.fragment === 'whole') return refusal;
    fragments.entry = this.#entry;
    const answer = fragments.check(association, database, out, outOffset, flow, refusal, now);
    this.#entry = fragments.entry;
    return answer;
  }

  /** A SYN that arrives says what may be sent in return: what fits the path of the association that would carry it. */
  #clamp(tunnel: Tunnel, out: Uint8Array, outOffset: number, now: number): void {
    const association = tunnel.youngest;
    if (association?.pathMtu?.clampsMaximumSegmentSize !== true) return;
    const { family, nextLayerOffset } = this.#flow;
    const room = pathRoom(this.#context.associations, association, now);
    const kept = association.mode === 'transport' ? nextLayerOffset : 0;
    clampMaximumSegmentSize(out, outOffset, this.#flow, maximumPacketLength(association, room, family, kept));
  }

  /**
   * What the SPD allows, since it is not decorrelated ("an ordered search of SPD MUST be performed to verify that inbound
   * traffic arriving on an SA is consistent", RFC 4301 section 4.4.1), and then what the association was made for.
   */
  #checkSelectors({ tunnelId, traffic }: InboundAssociation): DropReason | undefined {
    const { database } = this.#context;
    const flow = this.#flow;
    const index = database.lookup(flow, 'inbound');
    this.#entry = index;
    if (index === HIDDEN_FIELDS) return 'fragment_without_ports';
    const entry = database.entries[index];
    if (entry?.action !== 'PROTECT' || entry.tunnelId !== tunnelId) return 'selector_mismatch';
    if (traffic.selectors === undefined) return undefined;
    const match = traffic.selectors.match(flow, true);
    if (match === 'match') return undefined;
    return match === 'hidden' ? 'fragment_without_ports' : 'selector_mismatch';
  }

  #discard(reason: DropReason, tunnelId = ''): InboundResult {
    this.#context.drops.count(reason);
    const result = this.#result;
    result.verdict = 'discard';
    result.tunnelId = tunnelId;
    result.length = 0;
    result.reason = reason;
    return result;
  }
}

const MAXIMUM_BUNDLE = 4;
