import { copyOctets, readUint32 } from '../bytes/octets.js';
import type { EspTransform } from '../crypto/esp-transform.js';
import type { DropReason } from '../policy/drop-reason.js';
import { inferSequenceHigh } from '../policy/extended-sequence.js';
import type { InboundAssociation } from '../policy/security-association.js';
import { AH, ahHeaderLength, type InsertionPoint, readAhLength } from '../wire/ah.js';
import { ESP, ESP_DUMMY, espPayloadLength } from '../wire/esp.js';
import { type Flow, parseFlow } from '../wire/ip/flow.js';
import { readTrafficClass, writeTotalLength } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import type { EcnCounters } from './ecn-counters.js';
import { absorbOuterTrafficClass } from './outer-traffic-class.js';

/** Takes one association off a packet: what IpProtector puts on. Reused; the flow of the packet that came out is in `flow`. */
export class LayerOpener {
  readonly #flow: Flow;
  readonly #ecn: EcnCounters;
  /** What the last step left: the high half of the number found, and the next header of a decrypted trailer. */
  sequenceHigh = 0;
  /** After `dummy_packet`: octets of its payload, and how far behind the place of a packet that is. */
  dummyLength = 0;
  dummyOffset = 0;
  #next = 0;

  constructor(flow: Flow, ecn: EcnCounters) {
    this.#flow = flow;
    this.#ecn = ecn;
  }

  /** A tunnel whose outer header a socket has taken off: the clear IP packet is at outOffset, or why there is none. */
  openEsp(
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    outerTrafficClass: number,
  ): DropReason | undefined {
    const payload = this.#openEsp(association, packet, offset, length, out, outOffset, now);
    if (typeof payload === 'string') return payload;
    return this.#leaveTunnel(association, out, outOffset, payload, outerTrafficClass);
  }

  /** The header of a whole IP packet that `point` shows: the clear IP packet is at outOffset; returns its length. */
  openIp(
    association: InboundAssociation,
    { offset: header, nextHeaderField }: InsertionPoint,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
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
    if (this.#next === ESP_DUMMY) {
      this.dummyLength = payload;
      this.dummyOffset = header;
      return 'dummy_packet';
    }
    out[outOffset + nextHeaderField] = this.#next;
    writeTotalLength(out, outOffset, header + payload);
    return header + payload;
  }

  /**
   * What must be so before an ESP packet is decrypted to `room` octets: its form, the lifetime of the association, the
   * number. Leaves the high half of that in `sequenceHigh`. Nothing of this is authentic yet, and nothing changes.
   */
  admitEsp(
    association: InboundAssociation,
    esp: EspTransform,
    packet: Uint8Array,
    offset: number,
    length: number,
    room: number,
    now: number,
  ): DropReason | undefined {
    const sealed = length - ESP.headerLength - esp.ivLength - esp.icvLength;
    if (sealed < ESP.trailerLength || sealed % esp.alignment !== 0) return 'malformed_esp';
    if (sealed > room) return 'buffer_too_small';
    return this.#admit(association, readUint32(packet, offset + ESP.sequence), now);
  }

  /**
   * One of several packets that were admitted before any was decrypted, now that all have been. It is looked at again as if
   * those before it had been alone: they may have used up the association, or have had the same number.
   */
  leaveRun(
    association: InboundAssociation,
    authentic: boolean,
    high: number,
    low: number,
    out: Uint8Array,
    outOffset: number,
    sealed: number,
    now: number,
    outerTrafficClass: number,
  ): DropReason | undefined {
    if (association.isOver(now)) return 'association_expired';
    const replay = replayRefusal(association, high, low);
    if (replay !== undefined) return replay;
    if (!authentic) return 'integrity_failed';
    association.window.commit(high, low);
    const payload = this.#takeTrailerOff(out, outOffset, sealed);
    if (typeof payload === 'string') return payload;
    return this.#leaveTunnel(association, out, outOffset, payload, outerTrafficClass);
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
    const refusal = this.admitEsp(association, esp, packet, offset, length, out.length - outOffset, now);
    if (refusal !== undefined) return refusal;
    const high = this.sequenceHigh;
    const low = readUint32(packet, offset + ESP.sequence);
    if (!esp.open(packet, offset, length, high, out, outOffset)) return 'integrity_failed';
    association.window.commit(high, low);
    return this.#takeTrailerOff(out, outOffset, length - ESP.headerLength - esp.ivLength - esp.icvLength);
  }

  /** Leaves the next header in #next. Returns the length of the payload in front of the trailer. */
  #takeTrailerOff(out: Uint8Array, outOffset: number, sealed: number): number | DropReason {
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
    const high = this.sequenceHigh;
    if (!ah.verify(packet, offset, length, header, high)) return 'integrity_failed';
    association.window.commit(high, low);
    this.#next = packet[offset + header + AH.next] ?? 0;
    return length - header - ahLength;
  }

  /** Lifetime and replay check; leaves the high half of the number in `sequenceHigh`. */
  #admit(association: InboundAssociation, low: number, now: number): DropReason | undefined {
    if (association.isOver(now)) return 'association_expired';
    const { window } = association;
    const high = association.extendedSequenceNumbers
      ? inferSequenceHigh(low, window.topHigh, window.topLow, window.size)
      : 0;
    // The first packet carries 1: number 0 was never sent.
    if (high < 0 || (high === 0 && low === 0)) return 'replay_late';
    this.sequenceHigh = high;
    return replayRefusal(association, high, low);
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
    if (next === ESP_DUMMY) {
      this.dummyLength = payload;
      this.dummyOffset = 0;
      return 'dummy_packet';
    }
    if (next !== PROTOCOL.ipv4 && next !== PROTOCOL.ipv6) return 'bad_next_header';
    const flow = this.#flow;
    // The packet may be shorter than the payload: traffic flow confidentiality padding (RFC 4303 section 2.7).
    if (!parseFlow(flow, out, offset, payload)) return 'malformed_inner_packet';
    if (flow.family !== (next === PROTOCOL.ipv4 ? 4 : 6)) return 'malformed_inner_packet';
    return absorbOuterTrafficClass(association, this.#ecn, out, offset, outerTrafficClass)
      ? undefined
      : 'ecn_congestion_lost';
  }
}

function replayRefusal({ window }: InboundAssociation, high: number, low: number): DropReason | undefined {
  const replay = window.check(high, low);
  if (replay === 'fresh') return undefined;
  return replay === 'late' ? 'replay_late' : 'replayed';
}
