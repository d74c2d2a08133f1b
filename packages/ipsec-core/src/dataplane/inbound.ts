import { readUint32 } from '../bytes/octets.js';
import type { DropReason } from '../policy/drop-reason.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { InboundAssociation } from '../policy/security-association.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';
import { AH, findProtection, InsertionPoint } from '../wire/ah.js';
import { ESP } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { FragmentFields, parseAtomicFragment, writeWithoutFragmentHeader } from '../wire/ip/fragment.js';
import { OPAQUE_PROTOCOL, PROTOCOL } from '../wire/ip/protocol.js';
import type { DropCounters } from './drop-counters.js';
import type { EcnCounters } from './ecn-counters.js';
import type { FragmentCheck } from './fragment-check.js';
import { LayerOpener } from './layer-opener.js';
import { clampMaximumSegmentSize, isSyn } from './mss-clamp.js';
import { maximumPacketLength, pathRoom } from './packet-size.js';
import type { PathMessages } from './path-messages.js';
import type { PolicyCounterTable } from './policy-counters.js';
import type { ProtectedIcmpErrors } from './protected-icmp.js';
import { RunOpener } from './run-opener.js';
import { SelectorCheck } from './selector-check.js';
import type { InboundResult, InboundRunResult, Writable } from './verdict.js';

export interface InboundContext {
  database: SecurityPolicyDatabase;
  readonly associations: SecurityAssociationDatabase;
  readonly policies: PolicyCounterTable;
  readonly drops: DropCounters;
  readonly ecn: EcnCounters;
  readonly fragments: FragmentCheck;
  readonly icmp: ProtectedIcmpErrors;
  readonly pathMessages: PathMessages;
}

/** RFC 4301 section 5.2, RFC 4302 section 3.4 and RFC 4303 section 3.4: protected packet in, clear packet out. */
export class InboundProcessor {
  readonly #context: InboundContext;
  readonly #flow = new Flow();
  readonly #fields = new FragmentFields();
  readonly #point = new InsertionPoint();
  readonly #result: Writable<InboundResult> = { verdict: 'discard', tunnelId: '', length: 0, reason: undefined };
  readonly #layer: LayerOpener;
  readonly #check: SelectorCheck;
  readonly #runs: RunOpener;

  constructor(context: InboundContext) {
    this.#context = context;
    this.#layer = new LayerOpener(this.#flow, context.ecn);
    this.#check = new SelectorCheck(context, this.#flow);
    this.#runs = new RunOpener(context, this.#layer);
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
    const refusal = this.#layer.openEsp(association, packet, offset, length, out, outOffset, now, outerTrafficClass);
    if (refusal !== undefined) return this.#refuse(refusal, association, out, outOffset, now);
    return this.#deliver(association, out, outOffset, now);
  }

  /**
   * As `openEsp` does with each of the packets of `size` octets that `length` octets hold (the last may have less), for as
   * many of one association as can be decrypted in one step.
   */
  openRun(
    packets: Uint8Array,
    offset: number,
    size: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    outerTrafficClass: number,
  ): InboundRunResult {
    const runs = this.#runs;
    runs.packets = 0;
    runs.delivered = 0;
    const association = runs.associationOf(packets, offset, length, out);
    if (association === undefined) return runs;
    runs.decrypt(association, packets, offset, size, length, out, outOffset, now);
    for (let index = 0; index < runs.admitted; index++) {
      const at = runs.outOffset(index);
      const refusal = runs.refusalOf(association, index, packets, out, now, outerTrafficClass);
      if (refusal !== undefined) this.#refuse(refusal, association, out, at, now);
      else if (this.#deliver(association, out, at, now).verdict === 'deliver') runs.deliver(at, this.#result.length);
    }
    return runs;
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
      const opened = this.#layer.openIp(association, this.#point, from, at, size, out, outOffset, now);
      if (typeof opened === 'string') return this.#refuse(opened, association, out, outOffset, now);
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

  /** Policy must let this packet come out of this tunnel (RFC 4301 section 5.2 step 4). */
  #deliver(association: InboundAssociation, out: Uint8Array, outOffset: number, now: number): InboundResult {
    const { tunnelId, mode } = association;
    const flow = this.#flow;
    if (mode === 'transport' && !parseFlow(flow, out, outOffset, out.length - outOffset)) {
      return this.#discard('malformed_inner_packet', tunnelId);
    }
    const refusal = this.#check.refusalOf(association, out, outOffset, now);
    if (refusal !== undefined) return this.#discard(refusal, tunnelId, this.#context.policies.of(this.#check.entry));
    const { totalLength } = flow;
    const tunnel = this.#context.associations.tunnel(tunnelId);
    if (isSyn(out, outOffset, flow)) this.#clamp(tunnel, out, outOffset, now);
    this.#context.policies.countInbound(this.#check.entry, totalLength);
    association.count(totalLength, now);
    tunnel.countReceived(totalLength, now);
    const result = this.#result;
    result.verdict = 'deliver';
    result.tunnelId = tunnelId;
    result.length = totalLength;
    result.reason = undefined;
    return result;
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

  /** What an association does not let out is discarded, but for a dummy packet that says something. */
  #refuse(
    reason: DropReason,
    association: InboundAssociation,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): InboundResult {
    const { tunnelId } = association;
    const { dummyLength, dummyOffset } = this.#layer;
    if (reason !== 'dummy_packet') return this.#discard(reason, tunnelId);
    // It is authentic: its sender uses the association, whatever the packet is for.
    association.count(dummyLength, now);
    if (!this.#context.pathMessages.acceptDummy(association, out, outOffset + dummyOffset, dummyLength)) {
      return this.#discard(reason, tunnelId);
    }
    const result = this.#result;
    result.verdict = 'consumed';
    result.tunnelId = tunnelId;
    result.length = 0;
    result.reason = undefined;
    return result;
  }

  #discard(reason: DropReason, tunnelId = '', entry?: Float64Array): InboundResult {
    const { associations, drops } = this.#context;
    drops.count(reason, 1, tunnelId === '' ? undefined : associations.tunnel(tunnelId).counters, entry);
    const result = this.#result;
    result.verdict = 'discard';
    result.tunnelId = tunnelId;
    result.length = 0;
    result.reason = reason;
    return result;
  }
}

const MAXIMUM_BUNDLE = 4;
