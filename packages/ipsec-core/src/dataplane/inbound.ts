import { readUint32 } from '../bytes/octets.js';
import { inferSequenceHigh } from '../policy/extended-sequence.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { InboundAssociation } from '../policy/security-association.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import { ESP, ESP_DUMMY, espPayloadLength } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import type { DropCounters, DropReason } from './drop-reason.js';
import type { InboundResult, Writable } from './verdict.js';

export interface InboundContext {
  database: SecurityPolicyDatabase;
  readonly associations: SecurityAssociationDatabase;
  readonly drops: DropCounters;
}

/** RFC 4301 section 5.2 and RFC 4303 section 3.4: ESP packet in, clear packet out. */
export class InboundProcessor {
  readonly #context: InboundContext;
  readonly #flow = new Flow();
  readonly #result: Writable<InboundResult> = { verdict: 'discard', tunnelId: '', length: 0, reason: undefined };

  constructor(context: InboundContext) {
    this.#context = context;
  }

  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): InboundResult {
    if (length < ESP.headerLength || offset + length > packet.length) return this.#discard('malformed_esp');
    const association = this.#context.associations.inbound(readUint32(packet, offset + ESP.spi));
    if (association === undefined) return this.#discard('unknown_spi');
    const { tunnelId } = association;
    const opened = this.#authenticate(association, packet, offset, length, out, outOffset, now);
    if (typeof opened === 'string') return this.#discard(opened, tunnelId);
    const refusal = this.#inspect(tunnelId, out, outOffset, opened);
    if (refusal !== undefined) return this.#discard(refusal, tunnelId);
    const { totalLength } = this.#flow;
    const tunnel = this.#context.associations.tunnel(tunnelId);
    association.count(totalLength, now);
    tunnel.inboundPackets++;
    tunnel.inboundBytes += totalLength;
    tunnel.lastReceivedAt = now;
    const result = this.#result;
    result.verdict = 'deliver';
    result.tunnelId = tunnelId;
    result.length = totalLength;
    result.reason = undefined;
    return result;
  }

  /** Replay check, integrity, decryption, replay commit. Returns the length of payload and trailer in `out`. */
  #authenticate(
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    const { transform, window } = association;
    const sealed = length - ESP.headerLength - transform.ivLength - transform.icvLength;
    if (sealed < ESP.trailerLength || sealed % transform.alignment !== 0) return 'malformed_esp';
    if (outOffset + sealed > out.length) return 'buffer_too_small';
    if (association.lifetime.isOver(now)) return 'association_expired';
    const low = readUint32(packet, offset + ESP.sequence);
    const high = association.extendedSequenceNumbers
      ? inferSequenceHigh(low, window.topHigh, window.topLow, window.size)
      : 0;
    // The first packet carries 1: number 0 was never sent.
    if (high < 0 || (high === 0 && low === 0)) return 'replay_late';
    const replay = window.check(high, low);
    if (replay !== 'fresh') return replay === 'late' ? 'replay_late' : 'replayed';
    if (!transform.open(packet, offset, length, high, out, outOffset)) return 'integrity_failed';
    window.commit(high, low);
    return sealed;
  }

  /** What the peer sent must be a whole packet of the announced family that policy lets come out of this tunnel. */
  #inspect(tunnelId: string, plain: Uint8Array, offset: number, length: number): DropReason | undefined {
    const next = plain[offset + length - 1];
    const payload = espPayloadLength(plain, offset, length);
    if (payload < 0) return 'bad_padding';
    if (next === ESP_DUMMY) return 'dummy_packet';
    if (next !== PROTOCOL.ipv4 && next !== PROTOCOL.ipv6) return 'bad_next_header';
    const flow = this.#flow;
    // The packet may be shorter than the payload: traffic flow confidentiality padding (RFC 4303 section 2.7).
    if (!parseFlow(flow, plain, offset, payload)) return 'malformed_inner_packet';
    if (flow.family !== (next === PROTOCOL.ipv4 ? 4 : 6)) return 'malformed_inner_packet';
    const { database } = this.#context;
    const index =
      flow.fragment === 'later' ? database.lookupIgnoringPorts(flow, 'inbound') : database.lookup(flow, 'inbound');
    const entry = database.entries[index];
    if (entry?.action !== 'PROTECT' || entry.tunnelId !== tunnelId) return 'selector_mismatch';
    const { localPorts, remotePorts } = entry.selector;
    if (flow.fragment === 'later' && localPorts.length + remotePorts.length > 0) return 'fragment_without_ports';
    return undefined;
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
