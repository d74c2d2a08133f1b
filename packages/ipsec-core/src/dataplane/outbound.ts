import { writeUint32 } from '../bytes/octets.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import { hides } from '../policy/populate.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { ProtectPolicy } from '../policy/security-policy.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';
import { ESP, ESP_DUMMY, espPacketLength, writeEspTrailer } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { readTrafficClass } from '../wire/ip/header.js';
import type { AcquireQueue } from './acquire.js';
import type { DropCounters, DropReason } from './drop-reason.js';
import { FlowLabeler } from './flow-label.js';
import type { PolicyCounterTable } from './policy-counters.js';
import { IpProtector } from './protect-ip.js';
import type { OutboundResult, Writable } from './verdict.js';

/** What outbound processing looks at; the data plane swaps the first two together. */
export interface OutboundContext {
  database: SecurityPolicyDatabase;
  /** By index of entry; undefined unless the entry is PROTECT. */
  tunnels: readonly (Tunnel | undefined)[];
  readonly associations: SecurityAssociationDatabase;
  readonly policies: PolicyCounterTable;
  readonly acquires: AcquireQueue;
  readonly drops: DropCounters;
  readonly random: (out: Uint8Array) => void;
}

/** RFC 4301 section 5.1 and RFC 4303 section 3.3: clear packet in, protected packet out. */
export class OutboundProcessor {
  readonly #context: OutboundContext;
  readonly #flow = new Flow();
  readonly #protector = new IpProtector();
  readonly #labeler: FlowLabeler;
  readonly #result: Writable<OutboundResult> = {
    verdict: 'discard',
    tunnelId: '',
    length: 0,
    reason: undefined,
    trafficClass: 0,
  };

  constructor(context: OutboundContext) {
    this.#context = context;
    this.#labeler = new FlowLabeler(context.random);
  }

  protect(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    const { database, tunnels, policies } = this.#context;
    const flow = this.#flow;
    if (!parseFlow(flow, packet, offset, length)) return this.#discard('malformed_packet');
    const index = database.lookup(flow, 'outbound');
    const entry = database.entries[index];
    if (entry === undefined) return this.#discard(index === HIDDEN_FIELDS ? 'fragment_without_ports' : 'no_policy');
    policies.count(index, flow.totalLength);
    if (entry.action === 'DISCARD') return this.#discard('spd_discard');
    if (entry.action === 'BYPASS') return this.#answer('bypass', '', flow.totalLength, 0);
    const tunnel = tunnels[index];
    const innerClass = readTrafficClass(packet, offset);
    const association = tunnel?.select(flow, innerClass >>> 2, database.populated[index] ?? 0);
    if (tunnel === undefined || association === undefined) return this.#acquire(entry, index, innerClass >>> 2, now);
    const trafficClass = association.outerTrafficClass(innerClass);
    const written = this.#apply(association, packet, offset, flow.totalLength, out, outOffset, now);
    if (typeof written === 'string') return this.#discard(written, entry.tunnelId);
    tunnel.outboundPackets++;
    tunnel.outboundBytes += flow.totalLength;
    tunnel.lastSentAt = now;
    return this.#answer('transmit', entry.tunnelId, written, trafficClass);
  }

  /** A packet that only fills the line (RFC 4303 section 2.6): `payloadLength` random octets, next header 59. */
  dummy(tunnelId: string, payloadLength: number, out: Uint8Array, outOffset: number, now: number): OutboundResult {
    const association = this.#context.associations.tunnel(tunnelId).youngest;
    const esp = association?.esp;
    if (association === undefined || esp === undefined || association.outer !== undefined) {
      return this.#discard('no_association', tunnelId);
    }
    const length = espPacketLength(payloadLength, esp);
    if (outOffset + length > out.length) return this.#discard('buffer_too_small', tunnelId);
    if (association.isOver(now)) return this.#discard('association_expired', tunnelId);
    if (!association.sequence.advance()) {
      association.exhausted = true;
      return this.#discard('sequence_exhausted', tunnelId);
    }
    const { low, high } = association.sequence;
    const payload = outOffset + ESP.headerLength + esp.ivLength;
    this.#context.random(out.subarray(payload, payload + payloadLength));
    writeUint32(out, outOffset + ESP.spi, association.spi);
    writeUint32(out, outOffset + ESP.sequence, low);
    writeEspTrailer(out, payload + payloadLength, payloadLength, esp.alignment, ESP_DUMMY);
    esp.writeIv(out, outOffset, high);
    esp.seal(out, outOffset, length, high);
    association.count(0, now);
    return this.#answer('transmit', tunnelId, length, 0);
  }

  /** A packet that no association carries is discarded, and key management hears of it. */
  #acquire(entry: ProtectPolicy, index: number, dscp: number, now: number): OutboundResult {
    const { database, acquires } = this.#context;
    const fields = database.populated[index] ?? 0;
    // RFC 4301 section 4.4.2.2: with PFP and a value that is "not avail.", "discard packet".
    if (hides(this.#flow, fields)) return this.#discard('fragment_without_ports', entry.tunnelId);
    acquires.want(entry, index, fields, this.#flow, dscp, now);
    return this.#discard('no_association', entry.tunnelId);
  }

  /** An association, then those that are bundled with it, each on the result of the one before. */
  #apply(
    first: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    let association: OutboundAssociation | undefined = first;
    let from = packet;
    let at = offset;
    let size = length;
    for (let depth = 0; depth < MAXIMUM_BUNDLE; depth++) {
      if (association === undefined) return 'no_association';
      const label = this.#labeler.label(association, this.#flow);
      const written = this.#protector.protect(association, from, at, size, out, outOffset, now, label);
      if (typeof written === 'string') return written;
      association.count(size, now);
      if (association.bundledWith === undefined) return written;
      association = this.#context.associations.tunnel(association.bundledWith).outbound;
      from = out;
      at = outOffset;
      size = written;
    }
    return 'bundle_too_deep';
  }

  #answer(verdict: 'transmit' | 'bypass', tunnelId: string, length: number, trafficClass: number): OutboundResult {
    const result = this.#result;
    result.verdict = verdict;
    result.tunnelId = tunnelId;
    result.length = length;
    result.reason = undefined;
    result.trafficClass = trafficClass;
    return result;
  }

  #discard(reason: DropReason, tunnelId = ''): OutboundResult {
    this.#context.drops.count(reason);
    const result = this.#result;
    result.verdict = 'discard';
    result.tunnelId = tunnelId;
    result.length = 0;
    result.reason = reason;
    result.trafficClass = 0;
    return result;
  }
}

/** More associations on one packet than any sane bundle has: a loop. */
const MAXIMUM_BUNDLE = 4;
