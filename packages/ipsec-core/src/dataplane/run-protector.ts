import { EspRun } from '../crypto/esp/esp-run.js';
import type { EspTransform } from '../crypto/esp-transform.js';
import { RUN_PACKETS } from '../crypto/provider.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { ESP, espPacketLength } from '../wire/esp.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { readTrafficClass } from '../wire/ip/header.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { writeEspFraming } from './esp-framing.js';
import { isSyn } from './mss-clamp.js';
import type { OutboundContext } from './outbound-context.js';
import { pathRoom } from './packet-size.js';

/**
 * Clear packets of one flow that differ in nothing that policy looks at: addresses, next layer protocol, ports and traffic
 * class are those of the first, as with what a large TCP segment is taken apart into.
 */
export interface PacketRun {
  /** Writes packet `index` at `offset` of the memory that the packets are protected in. Returns its length. */
  write(index: number, offset: number): number;
}

/**
 * Protects a run with one decision and one step of cryptography. It takes only what needs nothing else: packets in tunnel
 * mode whose outer header a socket writes. Whatever does not fit, or is not to be sent, is left to OutboundProcessor.
 */
export class RunProtector {
  readonly #context: OutboundContext;
  readonly #flow = new Flow();
  readonly #run = new EspRun();
  // Of the run that was protected last.
  tunnelId = '';
  trafficClass = 0;
  /** Octets of all packets, and of the first; all but the last are as long as the first. */
  length = 0;
  packetLength = 0;
  #innerOctets = 0;

  constructor(context: OutboundContext) {
    this.#context = context;
  }

  /** Protects up to `count` packets from `first` on, one behind the other. Returns how many; 0: nothing has happened. */
  protect(source: PacketRun, first: number, count: number, out: Uint8Array, outOffset: number, now: number): number {
    const { database, tunnels, policies } = this.#context;
    const flow = this.#flow;
    const at = outOffset + USUAL_FRAMING;
    const length = source.write(first, at);
    if (!parseFlow(flow, out, at, length) || flow.fragment !== 'whole' || flow.totalLength !== length) return 0;
    if (isSyn(out, at, flow)) return 0;
    const index = database.lookup(flow, 'outbound');
    const tunnel =
      database.entries[index]?.action === 'PROTECT'
        ? (tunnels[index] ?? tunnels[database.placeOf(index, flow, 'outbound')])
        : undefined;
    const innerClass = readTrafficClass(out, at);
    const association = tunnel?.select(flow, innerClass >>> 2, database.populated[index] ?? 0);
    if (tunnel === undefined || association === undefined) return 0;
    const { esp } = association;
    if (esp === undefined || !takesRuns(association) || association.sentBy !== undefined) return 0;
    const packets = this.#write(association, esp, source, first, count, length, out, outOffset, now);
    if (packets === 0) return 0;
    esp.sealRun(out, this.#run);
    policies.count(index, this.#innerOctets, packets);
    tunnel.countSent(this.#innerOctets, now, packets);
    this.tunnelId = tunnel.tunnelId;
    this.trafficClass = association.outerTrafficClass(innerClass);
    return packets;
  }

  /** Everything but the sealing. The first packet, of `firstLength` octets, stands behind the usual framing. */
  #write(
    association: OutboundAssociation,
    esp: EspTransform,
    source: PacketRun,
    first: number,
    count: number,
    firstLength: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number {
    const run = this.#run;
    const room = Math.min(pathRoom(this.#context.associations, association, now), MAXIMUM_PACKET);
    const framing = ESP.headerLength + esp.ivLength;
    const next = this.#flow.family === 4 ? PROTOCOL.ipv4 : PROTOCOL.ipv6;
    const most = Math.min(count, RUN_PACKETS);
    run.count = 0;
    this.length = 0;
    this.packetLength = 0;
    this.#innerOctets = 0;
    while (run.count < most) {
      const at = outOffset + this.length;
      // None is longer than the first.
      if (at + this.packetLength > out.length) break;
      const stands = run.count === 0 && framing === USUAL_FRAMING;
      const length = stands ? firstLength : source.write(first + run.count, at + framing);
      const total = espPacketLength(length, esp);
      if (total > room || at + total > out.length || (run.count > 0 && total > this.packetLength)) break;
      if (association.isOver(now) || !association.takeNumber()) break;
      writeEspFraming(association, length, out, at, next);
      association.count(length, now);
      run.offsets[run.count] = at;
      run.lengths[run.count] = total;
      run.sequenceHigh[run.count] = association.sequence.high;
      run.count++;
      this.length += total;
      this.#innerOctets += length;
      if (run.count === 1) this.packetLength = total;
      else if (total < this.packetLength) break;
    }
    return run.count;
  }
}

/** Nothing but ESP is done to its packets, and a socket writes the outer header. */
function takesRuns({ mode, outer, bundledWith, padTo }: OutboundAssociation): boolean {
  return mode === 'tunnel' && outer === undefined && bundledWith === undefined && padTo === 1;
}

/** ESP header and IV of AES-GCM (RFC 4303, RFC 4106): a packet that stands behind so many octets need not be moved. */
export const USUAL_FRAMING = 16;
const MAXIMUM_PACKET = 65535;
