import { copyOctets, writeUint32 } from '../bytes/octets.js';
import type { Tunnel } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import { ESP, espPacketLength, writeEspTrailer } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import type { DropCounters, DropReason } from './drop-reason.js';
import type { PolicyCounterTable } from './policy-counters.js';
import type { OutboundResult, Writable } from './verdict.js';

/** What outbound processing looks at; the data plane swaps the first two together. */
export interface OutboundContext {
  database: SecurityPolicyDatabase;
  /** By index of entry; undefined unless the entry is PROTECT. */
  tunnels: readonly (Tunnel | undefined)[];
  readonly policies: PolicyCounterTable;
  readonly drops: DropCounters;
}

/** RFC 4301 section 5.1 and RFC 4303 section 3.3: clear packet in, ESP packet out. */
export class OutboundProcessor {
  readonly #context: OutboundContext;
  readonly #flow = new Flow();
  readonly #result: Writable<OutboundResult> = { verdict: 'discard', tunnelId: '', length: 0, reason: undefined };

  constructor(context: OutboundContext) {
    this.#context = context;
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
    const index = lookupOutbound(database, flow);
    const entry = database.entries[index];
    if (entry === undefined) return this.#discard(index === FRAGMENT ? 'fragment_without_ports' : 'no_policy');
    policies.count(index, flow.totalLength);
    if (entry.action === 'DISCARD') return this.#discard('spd_discard');
    if (entry.action === 'BYPASS') return this.#answer('bypass', '', flow.totalLength);
    const tunnel = tunnels[index];
    const association = tunnel?.outbound;
    if (tunnel === undefined || association === undefined) return this.#discard('no_association', entry.tunnelId);
    const written = this.#seal(association, packet, offset, out, outOffset, now);
    if (typeof written === 'string') return this.#discard(written, entry.tunnelId);
    association.count(flow.totalLength, now);
    tunnel.outboundPackets++;
    tunnel.outboundBytes += flow.totalLength;
    tunnel.lastSentAt = now;
    return this.#answer('transmit', entry.tunnelId, written);
  }

  #seal(
    association: OutboundAssociation,
    packet: Uint8Array,
    offset: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    const { transform, sequence } = association;
    const { totalLength, family } = this.#flow;
    const length = espPacketLength(totalLength, transform);
    if (outOffset + length > out.length) return 'buffer_too_small';
    if (association.lifetime.isOver(now)) return 'association_expired';
    if (!sequence.advance()) {
      association.exhausted = true;
      return 'sequence_exhausted';
    }
    const payload = outOffset + ESP.headerLength + transform.ivLength;
    // Before the header: packet and out may be the same memory.
    copyOctets(packet, offset, totalLength, out, payload);
    writeUint32(out, outOffset + ESP.spi, association.spi);
    writeUint32(out, outOffset + ESP.sequence, sequence.low);
    const next = family === 4 ? PROTOCOL.ipv4 : PROTOCOL.ipv6;
    writeEspTrailer(out, payload + totalLength, totalLength, transform.alignment, next);
    transform.writeIv(out, outOffset, sequence.high);
    transform.seal(out, outOffset, length, sequence.high);
    return length;
  }

  #answer(verdict: 'transmit' | 'bypass', tunnelId: string, length: number): OutboundResult {
    const result = this.#result;
    result.verdict = verdict;
    result.tunnelId = tunnelId;
    result.length = length;
    result.reason = undefined;
    return result;
  }

  #discard(reason: DropReason, tunnelId = ''): OutboundResult {
    this.#context.drops.count(reason);
    const result = this.#result;
    result.verdict = 'discard';
    result.tunnelId = tunnelId;
    result.length = 0;
    result.reason = reason;
    return result;
  }
}

/**
 * Index of the deciding entry, -1 for none, FRAGMENT when that depends on ports which the fragment does not show
 * (RFC 4301 section 7): letting it fall through to a later entry could send in clear what a port rule protects.
 */
function lookupOutbound(database: SecurityPolicyDatabase, flow: Flow): number {
  if (flow.fragment !== 'later') return database.lookup(flow, 'outbound');
  const index = database.lookupIgnoringPorts(flow, 'outbound');
  const selector = database.entries[index]?.selector;
  if (selector === undefined) return -1;
  return selector.localPorts.length === 0 && selector.remotePorts.length === 0 ? index : FRAGMENT;
}

const FRAGMENT = -2;
