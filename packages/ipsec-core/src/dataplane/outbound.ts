import { copyOctets } from '../bytes/octets.js';
import type { DropReason } from '../policy/drop-reason.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import { hides } from '../policy/populate.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Tunnel } from '../policy/tunnel.js';
import { findInsertionPoint, InsertionPoint } from '../wire/ah.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { FragmentFields, parseAtomicFragment, writeWithoutFragmentHeader } from '../wire/ip/fragment.js';
import { outerHeaderLength, readTrafficClass, writeOuterHeader } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { BundleProtector } from './bundle-protector.js';
import { writeDummy } from './dummy.js';
import { FragmentIntake } from './fragment-intake.js';
import { Fragmenter } from './fragmenter.js';
import { OutboundAnswer } from './outbound-answer.js';
import type { OutboundContext } from './outbound-context.js';
import { type PacketRun, RunProtector, USUAL_FRAMING } from './run-protector.js';
import { factsOf, tooLargeAction } from './too-large.js';
import type { OutboundResult } from './verdict.js';

/** RFC 4301 section 5.1 and RFC 4303 section 3.3: clear packet in, protected packet out. */
export class OutboundProcessor {
  readonly #context: OutboundContext;
  readonly #flow = new Flow();
  readonly #reply = new Flow();
  readonly #protector: BundleProtector;
  readonly #result = new OutboundAnswer();
  readonly #intake: FragmentIntake;
  readonly #fragmenter: Fragmenter;
  readonly #runs: RunProtector;
  readonly #point = new InsertionPoint();
  readonly #fields = new FragmentFields();
  /** What waits in the fragmenter: clear packets to protect or to bypass, or pieces of a protected one. */
  #rest: 'clear' | 'bypass' | 'protected' = 'clear';
  #tunnel: Tunnel | undefined;
  /** Counters of the entry that has decided about the packet at hand, also while a rest of it waits. */
  #entry: Float64Array | undefined;
  #selecting = this.#flow;
  #populated = 0;
  #trafficClass = 0;
  /** Of the association at hand. */
  #wholePacket = false;

  constructor(context: OutboundContext) {
    this.#context = context;
    this.#protector = new BundleProtector(context.associations, context.random);
    this.#intake = new FragmentIntake(context, context.reassembler);
    this.#fragmenter = new Fragmenter(context.random);
    this.#runs = new RunProtector(context);
  }

  protect(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    const flow = this.#flow;
    this.#abandon();
    if (!parseFlow(flow, packet, offset, length)) return this.#discard('malformed_packet');
    if (flow.fragment === 'whole') return this.#decide(packet, offset, out, outOffset, now, false);
    const { memory } = this.#fragmenter;
    const outcome = this.#intake.accept(packet, offset, flow, memory, now);
    if (outcome === 'carry') return this.#decide(packet, offset, out, outOffset, now, false);
    if (outcome === 'whole') return this.#decide(memory, 0, out, outOffset, now, true);
    return outcome === 'held' ? this.#answer('held', '', 0, 0) : this.#discard(outcome);
  }

  /** A packet that another engine has put together, which is copied: see `DataPlane.protectReassembled`. */
  protectReassembled(
    packet: Uint8Array,
    offset: number,
    length: number,
    largestFragment: number,
    identification: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    this.#abandon();
    const { memory } = this.#fragmenter;
    if (length > memory.length) return this.#discard('malformed_packet');
    copyOctets(packet, offset, length, memory, 0);
    if (!parseFlow(this.#flow, memory, 0, length) || this.#flow.fragment !== 'whole') {
      return this.#discard('malformed_packet');
    }
    this.#intake.takeOver(largestFragment, identification);
    return this.#decide(memory, 0, out, outOffset, now, true);
  }

  /** As `protect` does with each packet of the run, from `first` on, but maybe not to its end. */
  protectRun(
    source: PacketRun,
    first: number,
    count: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    this.#abandon();
    const runs = this.#runs;
    const packets = count > 1 ? runs.protect(source, first, count, out, outOffset, now) : 0;
    if (packets > 0) {
      return this.#result.run(runs.tunnelId, runs.length, packets, runs.packetLength, runs.trafficClass);
    }
    const at = outOffset + USUAL_FRAMING;
    return this.protect(out, at, source.write(first, at), out, outOffset, now);
  }

  /** The next of the packets that the last one became. They are read from memory of the engine's own. */
  protectMore(out: Uint8Array, outOffset: number, now: number): OutboundResult {
    const tunnel = this.#tunnel;
    const tunnelId = tunnel?.tunnelId ?? '';
    const length = this.#fragmenter.write(out, outOffset);
    // Nothing waits: there is nothing to do.
    if (length === 0) return this.#answer('held', '', 0, 0);
    if (length < 0) return this.#discardRest('buffer_too_small', tunnelId);
    if (this.#rest === 'bypass') return this.#answer('bypass', '', length, 0, true);
    if (this.#rest === 'protected') return this.#answer('transmit', tunnelId, length, this.#trafficClass);
    const innerClass = readTrafficClass(out, outOffset);
    // The pieces of a packet do not all show what selects its association.
    const association = tunnel?.select(this.#selecting, innerClass >>> 2, this.#populated);
    if (tunnel === undefined || association === undefined) return this.#discard('no_association', tunnelId);
    const trafficClass = association.outerTrafficClass(innerClass);
    this.#wholePacket = association.writesHeader;
    const written = this.#protector.protect(association, this.#flow, out, outOffset, length, out, outOffset, now);
    return this.#finish(tunnel, written, length, trafficClass, now);
  }

  /** What the SPD says of a packet, or of a fragment that shows all that the SPD asks for. */
  #decide(
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    reassembled: boolean,
  ): OutboundResult {
    const { database, tunnels, policies } = this.#context;
    const flow = this.#flow;
    const { totalLength } = flow;
    const index = database.lookup(flow, 'outbound');
    const entry = database.entries[index];
    if (entry === undefined) {
      if (index === HIDDEN_FIELDS) return this.#discard('fragment_without_ports');
      return this.#sendIcmpError(packet, offset, out, outOffset, now, reassembled);
    }
    this.#entry = policies.of(index);
    if (entry.action === 'DISCARD') {
      policies.count(index, totalLength);
      return this.#prohibit('spd_discard', packet, offset, now);
    }
    if (entry.action === 'BYPASS') {
      policies.count(index, totalLength);
      if (!reassembled) return this.#answer('bypass', '', totalLength, 0);
      return this.#cut('bypass', undefined, totalLength, this.#intake.largestFragment, out, outOffset, now);
    }
    // Where the entry names its tunnel nothing has to be looked up.
    const tunnel = tunnels[index] ?? tunnels[database.placeOf(index, flow, 'outbound')];
    const innerClass = readTrafficClass(packet, offset);
    this.#populated = database.populated[index] ?? 0;
    this.#selecting = flow;
    const association = tunnel?.select(flow, innerClass >>> 2, this.#populated);
    if (association?.sentBy !== undefined)
      return this.#elsewhere(association, packet, offset, out, outOffset, reassembled);
    policies.count(index, totalLength);
    if (tunnel === undefined) return this.#prohibit('no_tunnel', packet, offset, now);
    if (association === undefined) return this.#acquire(tunnel, index, innerClass >>> 2, now);
    return this.#send(tunnel, association, packet, offset, out, outOffset, now, reassembled);
  }

  /** An ICMP error that no entry allows goes where replies to the packet that caused it would (RFC 4301 section 6.2). */
  #sendIcmpError(
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    reassembled: boolean,
  ): OutboundResult {
    const { database, tunnels, policies, icmp } = this.#context;
    const reply = this.#reply;
    const index = icmp.entryOfReturnTraffic(database, packet, offset, this.#flow, reply);
    const tunnel = tunnels[database.placeOf(index, reply, 'outbound')];
    if (tunnel === undefined) return this.#prohibit('no_policy', packet, offset, now);
    this.#entry = policies.of(index);
    this.#populated = database.populated[index] ?? 0;
    this.#selecting = reply;
    const association = tunnel.select(reply, readTrafficClass(packet, offset) >>> 2, this.#populated);
    if (association?.sentBy !== undefined)
      return this.#elsewhere(association, packet, offset, out, outOffset, reassembled);
    policies.count(index, this.#flow.totalLength);
    // "If no such SA exists, no SA will be created": key management does not hear of it.
    if (association === undefined) return this.#discard('no_association', tunnel.tunnelId);
    return this.#send(tunnel, association, packet, offset, out, outOffset, now, reassembled);
  }

  /** The packet is another engine's, which does with it what this one would have done from here on. */
  #elsewhere(
    { tunnelId, sentBy = -1 }: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    reassembled: boolean,
  ): OutboundResult {
    const { totalLength } = this.#flow;
    if (!reassembled) return this.#result.elsewhere(tunnelId, sentBy, totalLength, 0, 0);
    if (outOffset + totalLength > out.length) return this.#discard('buffer_too_small', tunnelId);
    copyOctets(packet, offset, totalLength, out, outOffset);
    const { largestFragment, identification } = this.#intake;
    return this.#result.elsewhere(tunnelId, sentBy, totalLength, largestFragment, identification);
  }

  #send(
    tunnel: Tunnel,
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    reassembled: boolean,
  ): OutboundResult {
    const flow = this.#flow;
    if (association.mode === 'transport' && parseAtomicFragment(this.#fields, flow, packet, offset)) {
      const { memory } = this.#fragmenter;
      const length = writeWithoutFragmentHeader(this.#fields, packet, offset, memory, 0);
      if (!parseFlow(flow, memory, 0, length) || parseAtomicFragment(this.#fields, flow, memory, 0)) {
        return this.#discard('fragment_in_transport_mode', tunnel.tunnelId);
      }
      return this.#send(tunnel, association, memory, 0, out, outOffset, now, reassembled);
    }
    const { totalLength } = flow;
    this.#wholePacket = association.writesHeader;
    this.#protector.clamp(association, flow, packet, offset, now);
    const trafficClass = association.outerTrafficClass(readTrafficClass(packet, offset));
    const written = this.#protector.protect(association, flow, packet, offset, totalLength, out, outOffset, now);
    if (written === 'exceeds_path_mtu') {
      return this.#tooLarge(tunnel, association, packet, offset, out, outOffset, now, reassembled);
    }
    return this.#finish(tunnel, written, totalLength, trafficClass, now);
  }

  /** RFC 4301 section 8.2.1; which of its cases it is, too-large.ts says. */
  #tooLarge(
    tunnel: Tunnel,
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    reassembled: boolean,
  ): OutboundResult {
    const { icmpErrors } = this.#context;
    const flow = this.#flow;
    const limit = this.#protector.limit(association, flow, packet, offset, now);
    findInsertionPoint(this.#point, packet, offset, flow.totalLength);
    const { next } = this.#point;
    const largest = reassembled ? this.#intake.largestFragment : undefined;
    const action = tooLargeAction(
      factsOf(this.#context, association, flow, packet, offset, next, flow.totalLength, largest, limit),
    );
    if (action === 'report') {
      const length = icmpErrors.tooLarge(packet, offset, flow, limit, now);
      return this.#discard('exceeds_path_mtu', tunnel.tunnelId, length);
    }
    const { memory } = this.#fragmenter;
    if (action === 'fragment_before') {
      if (!reassembled) copyOctets(packet, offset, flow.totalLength, memory, 0);
      return this.#cut('clear', tunnel, flow.totalLength, Math.min(limit, largest ?? limit), out, outOffset, now);
    }
    const trafficClass = association.outerTrafficClass(readTrafficClass(packet, offset));
    // Whoever writes the outer header has the result cut.
    const bySocket = !association.writesHeader;
    const [to, at] = bySocket ? [out, outOffset] : [memory, 0];
    const length = flow.totalLength;
    const written = this.#protector.protectWhole(association, flow, packet, offset, length, to, at, now);
    const result = this.#finish(tunnel, written, length, trafficClass, now);
    if (typeof written === 'string') return result;
    if (bySocket) return this.#result.cut(association.pathMtu?.current(now) ?? 0);
    this.#trafficClass = trafficClass;
    return this.#cut('protected', tunnel, written, this.#protector.room(association, now), out, outOffset, now);
  }

  /** Starts on the packet in the fragmenter's memory, and answers with its first piece. */
  #cut(
    rest: 'clear' | 'bypass' | 'protected',
    tunnel: Tunnel | undefined,
    length: number,
    most: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    this.#rest = rest;
    this.#tunnel = tunnel;
    const identification = rest === 'protected' ? undefined : this.#intake.identification;
    if (!this.#fragmenter.begin(length, most, identification)) {
      return this.#discard('exceeds_path_mtu', tunnel?.tunnelId);
    }
    return this.protectMore(out, outOffset, now);
  }

  /** A packet that only fills the line (RFC 4303 section 2.6): `payloadLength` random octets, next header 59. */
  dummy(tunnelId: string, payloadLength: number, out: Uint8Array, outOffset: number, now: number): OutboundResult {
    const association = this.#context.associations.tunnel(tunnelId).youngest;
    const esp = association?.esp;
    if (association === undefined || esp === undefined || association.outer !== undefined) {
      return this.#discardDummy('no_association', tunnelId);
    }
    const length = writeDummy(association, esp, payloadLength, out, outOffset, now, this.#context.random);
    if (typeof length === 'string') return this.#discardDummy(length, tunnelId);
    this.#wholePacket = false;
    return this.#answer('transmit', tunnelId, length, 0);
  }

  /**
   * The same on one association of a tunnel, with the outer header that it has: who receives it sees the association used. Of one
   * that another engine sends on, that engine has to be asked.
   */
  announce(tunnelId: string, spi: number, out: Uint8Array, outOffset: number, now: number): OutboundResult {
    const { associations, random } = this.#context;
    const association = associations.tunnel(tunnelId).find(spi);
    const esp = association?.esp;
    if (association === undefined || esp === undefined || association.mode !== 'tunnel') {
      return this.#discardDummy('no_association', tunnelId);
    }
    if (association.sentBy !== undefined) return this.#result.elsewhere(tunnelId, association.sentBy, 0, 0, 0);
    const { outer } = association;
    const header = outer === undefined ? 0 : outerHeaderLength(outer.family);
    const at = outOffset + header;
    const written = writeDummy(association, esp, ANNOUNCEMENT_OCTETS, out, at, now, random);
    if (typeof written === 'string') return this.#discardDummy(written, tunnelId);
    const length = header + written;
    if (outer !== undefined) writeOuterHeader(out, outOffset, outer, length, PROTOCOL.esp, 0, true, 1, 0);
    // What waits in the fragmenter is of another association.
    return this.#result.answer('transmit', tunnelId, length, 0, false, this.#fragmenter.pending, outer !== undefined);
  }

  /** A packet that no association carries is discarded, and key management hears of it. */
  #acquire({ tunnelId }: Tunnel, index: number, dscp: number, now: number): OutboundResult {
    const { database, acquires } = this.#context;
    const fields = database.populated[index] ?? 0;
    // RFC 4301 section 4.4.2.2: with PFP and a value that is "not avail.", "discard packet".
    if (hides(this.#flow, fields)) return this.#discard('fragment_without_ports', tunnelId);
    const place = database.placeOf(index, this.#flow, 'outbound');
    acquires.want(database, tunnelId, index, place, this.#flow, dscp, now);
    return this.#discard('no_association', tunnelId);
  }

  #finish(
    tunnel: Tunnel,
    written: number | DropReason,
    length: number,
    trafficClass: number,
    now: number,
  ): OutboundResult {
    if (typeof written === 'string') return this.#discard(written, tunnel.tunnelId);
    tunnel.countSent(length, now);
    return this.#answer('transmit', tunnel.tunnelId, written, trafficClass);
  }

  /** What the caller did not take of the last packet is lost. */
  #abandon(): void {
    const { drops, icmpErrors } = this.#context;
    if (this.#fragmenter.pending) {
      const tunnel = this.#rest === 'bypass' ? undefined : this.#tunnel?.counters;
      drops.count('fragment_not_taken', this.#fragmenter.abandon(), tunnel, this.#entry);
    }
    this.#entry = undefined;
    icmpErrors.drop();
  }

  #discardRest(reason: DropReason, tunnelId: string): OutboundResult {
    const waiting = this.#fragmenter.abandon() - 1;
    this.#context.drops.count(reason, waiting, this.#countersOf(tunnelId), this.#entry);
    return this.#discard(reason, tunnelId);
  }

  /** Policy discards the packet; where that is configured its source is told. */
  #prohibit(reason: DropReason, packet: Uint8Array, offset: number, now: number): OutboundResult {
    const length = this.#context.icmpErrors.prohibited(packet, offset, this.#flow, now);
    return this.#discard(reason, '', length);
  }

  #answer(
    verdict: 'transmit' | 'bypass' | 'held',
    tunnelId: string,
    length: number,
    trafficClass: number,
    copied = false,
  ): OutboundResult {
    const { pending } = this.#fragmenter;
    return this.#result.answer(verdict, tunnelId, length, trafficClass, copied, pending, this.#wholePacket);
  }

  #discard(reason: DropReason, tunnelId = '', icmpErrorLength = 0): OutboundResult {
    this.#context.drops.count(reason, 1, this.#countersOf(tunnelId), this.#entry);
    return this.#result.discard(reason, tunnelId, this.#fragmenter.pending, icmpErrorLength);
  }

  /** A dummy packet is no packet of an entry, whatever waits in the fragmenter. */
  #discardDummy(reason: DropReason, tunnelId: string): OutboundResult {
    this.#context.drops.count(reason, 1, this.#countersOf(tunnelId));
    return this.#result.discard(reason, tunnelId, this.#fragmenter.pending, 0);
  }

  #countersOf(tunnelId: string): Float64Array | undefined {
    return tunnelId === '' ? undefined : this.#context.associations.tunnel(tunnelId).counters;
  }
}

/** Payload of an announcement: it only has to be authentic. */
const ANNOUNCEMENT_OCTETS = 64;
