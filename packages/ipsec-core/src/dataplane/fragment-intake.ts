import type { DropReason } from '../policy/drop-reason.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import { hides } from '../policy/populate.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';
import { Flow, isSkippedExtension, parseFlow } from '../wire/ip/flow.js';
import { exceedsLargestPacket, FragmentFields, parseFragment } from '../wire/ip/fragment.js';
import { readTrafficClass } from '../wire/ip/header.js';
import { OPAQUE_PORT, OPAQUE_PROTOCOL } from '../wire/ip/protocol.js';
import type { ForeseenPacket, Reassembler } from './reassembly.js';

/**
 * Where clear fragments from the protected side go (RFC 4301 section 7). Most policies do not ask for ports, and their
 * tunnels carry fragments as they are (section 7.1), as do entries made for OPAQUE (section 7.2). Where an entry could
 * match or not match depending on fields that later fragments hide, all fragments of the packet are put together first
 * and the SPD sees the whole packet; it is that, or to discard them, since a fragment that falls through to a later
 * entry might leave in clear. First fragments show their ports but wait as well: alone they would be of no use. So do
 * fragments for transport mode, which is for whole packets (section 4.1; appendix D.1 on implementations that "have to
 * reassemble fragments before performing an SA lookup").
 */
export class FragmentIntake {
  readonly #context: PolicyInForce;
  readonly #reassembler: Reassembler;
  readonly #fields = new FragmentFields();

  constructor(context: PolicyInForce, reassembler: Reassembler) {
    this.#context = context;
    this.#reassembler = reassembler;
  }

  /**
   * What to do with a fragment: `carry` it as it is; it is `held`; the packet is now `whole`: it stands at the start of
   * `memory` and `flow` describes it; or discard it for this reason.
   */
  accept(
    packet: Uint8Array,
    offset: number,
    flow: Flow,
    memory: Uint8Array,
    now: number,
  ): 'carry' | 'held' | 'whole' | DropReason {
    const fields = this.#fields;
    if (!parseFragment(fields, packet, offset, flow.totalLength)) return 'fragment_malformed';
    if (exceedsLargestPacket(fields, flow.family === 6)) return 'fragment_oversize';
    const dscp = readTrafficClass(packet, offset) >>> 2;
    if (!hidesFields(this.#context, flow, fields.next, dscp)) return 'carry';
    const outcome = this.#reassembler.add(packet, offset, flow, fields, now);
    if (outcome !== 'complete') return outcome;
    const length = this.#reassembler.write(memory);
    if (!parseFlow(flow, memory, 0, length)) return 'malformed_packet';
    // A fragment within a fragment: no sender makes it.
    return flow.fragment === 'whole' ? 'whole' : 'fragment_malformed';
  }

  /** What `accept` would answer, and for `whole` the packet itself. Changes nothing; allocates. */
  foresee(packet: Uint8Array, offset: number, flow: Flow, now: number): 'carry' | 'held' | ForeseenPacket | DropReason {
    const fields = new FragmentFields();
    if (!parseFragment(fields, packet, offset, flow.totalLength)) return 'fragment_malformed';
    if (exceedsLargestPacket(fields, flow.family === 6)) return 'fragment_oversize';
    const dscp = readTrafficClass(packet, offset) >>> 2;
    if (!hidesFields(this.#context, flow, fields.next, dscp)) return 'carry';
    const outcome = this.#reassembler.foresee(packet, offset, flow, fields, now);
    if (typeof outcome === 'string') return outcome;
    const whole = new Flow();
    if (!parseFlow(whole, outcome.packet, 0, outcome.packet.length)) return 'malformed_packet';
    return whole.fragment === 'whole' ? outcome : 'fragment_malformed';
  }

  /** Of the packet that was whole last: octets of the largest fragment that it came in. */
  get largestFragment(): number {
    return this.#reassembler.largestFragment;
  }

  get identification(): number {
    return this.#reassembler.identification;
  }

  /** Another engine has put this packet together. */
  takeOver(largestFragment: number, identification: number): void {
    this.#reassembler.largestFragment = largestFragment;
    this.#reassembler.identification = identification;
  }
}

/**
 * Whether a later fragment of this packet could not go where the packet does: it hides which entry decides, or by the
 * entry's PFP flags or the selectors of the tunnel's associations, which association; or that association is of
 * transport mode, which takes whole packets only. `next`: what the fragmentable part begins with, which
 * is all that later fragments say of the protocol.
 */
export function hidesFields({ database, tunnels }: PolicyInForce, flow: Flow, next: number, dscp: number): boolean {
  const { protocol, sourcePort, destinationPort, fragment } = flow;
  flow.protocol = flow.family === 6 && isSkippedExtension(next) ? OPAQUE_PROTOCOL : next;
  flow.sourcePort = OPAQUE_PORT;
  flow.destinationPort = OPAQUE_PORT;
  flow.fragment = 'later';
  const index = database.search(flow, 'outbound');
  const fields = database.populated[index] ?? 0;
  const tunnel = tunnels[database.placeOf(index, flow, 'outbound')];
  const association = tunnel?.select(flow, dscp, fields);
  const hidden =
    index === HIDDEN_FIELDS ||
    hides(flow, fields) ||
    (tunnel?.youngest !== undefined && association === undefined) ||
    association?.mode === 'transport';
  flow.protocol = protocol;
  flow.sourcePort = sourcePort;
  flow.destinationPort = destinationPort;
  flow.fragment = fragment;
  return hidden;
}

/** `tunnels`: as in OutboundContext. */
export interface PolicyInForce {
  readonly database: SecurityPolicyDatabase;
  readonly tunnels: readonly (Tunnel | undefined)[];
}
