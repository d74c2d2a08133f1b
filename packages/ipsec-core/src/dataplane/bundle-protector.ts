import type { DropReason } from '../policy/drop-reason.js';
import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import { findInsertionPoint, InsertionPoint } from '../wire/ah.js';
import type { Flow } from '../wire/ip/flow.js';
import { FlowLabeler } from './flow-label.js';
import { clampMaximumSegmentSize, isSyn } from './mss-clamp.js';
import { MAXIMUM_BUNDLE, maximumPacketLength, pathRoom, UNLIMITED_ROOM } from './packet-size.js';
import { IpProtector, PathTerms } from './protect-ip.js';

/** Applies an association and those that are bundled with it, within what their path carries. */
export class BundleProtector {
  readonly #associations: SecurityAssociationDatabase;
  readonly #protector = new IpProtector();
  readonly #labeler: FlowLabeler;
  readonly #terms = new PathTerms();
  readonly #point = new InsertionPoint();

  /** `random` fills the array from a cryptographically secure source. */
  constructor(associations: SecurityAssociationDatabase, random: (out: Uint8Array) => void) {
    this.#associations = associations;
    this.#labeler = new FlowLabeler(random);
  }

  /** Octets written, or why not; `exceeds_path_mtu`: nothing has been done. `flow` is that of the packet. */
  protect(
    association: OutboundAssociation,
    flow: Flow,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    this.#terms.room = pathRoom(this.#associations, association, now);
    this.#terms.fragmentable = false;
    return this.#apply(association, flow, packet, offset, length, out, outOffset, now);
  }

  /** As `protect`, for a result that is cut on the underlay when it is longer than the path MTU. */
  protectWhole(
    association: OutboundAssociation,
    flow: Flow,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    this.#terms.room = UNLIMITED_ROOM;
    this.#terms.fragmentable = true;
    return this.#apply(association, flow, packet, offset, length, out, outOffset, now);
  }

  /** Octets that the result may have; UNLIMITED_ROOM where no path MTU is known. */
  room(association: OutboundAssociation, now: number): number {
    return pathRoom(this.#associations, association, now);
  }

  /** Octets of the largest clear packet like this one that is protected whole. */
  limit(association: OutboundAssociation, flow: Flow, packet: Uint8Array, offset: number, now: number): number {
    const transport = association.mode === 'transport';
    if (transport) findInsertionPoint(this.#point, packet, offset, flow.totalLength);
    return maximumPacketLength(
      association,
      this.room(association, now),
      flow.family,
      transport ? this.#point.offset : 0,
    );
  }

  /** Lowers the MSS of a SYN to what fits the association that carries it, or, of one that arrives, would carry the reply. */
  clamp(association: OutboundAssociation, flow: Flow, packet: Uint8Array, offset: number, now: number): void {
    if (!isSyn(packet, offset, flow) || association.pathMtu?.clampsMaximumSegmentSize === false) return;
    if (this.room(association, now) === UNLIMITED_ROOM) return;
    clampMaximumSegmentSize(packet, offset, flow, this.limit(association, flow, packet, offset, now));
  }

  /** Each association works on the result of the one before. */
  #apply(
    first: OutboundAssociation,
    flow: Flow,
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): number | DropReason {
    let association: OutboundAssociation | undefined = first;
    const terms = this.#terms;
    let from = packet;
    let at = offset;
    let size = length;
    for (let depth = 0; depth < MAXIMUM_BUNDLE; depth++) {
      if (association === undefined) return 'no_association';
      terms.flowLabel = this.#labeler.label(association, flow);
      const written = this.#protector.protect(association, from, at, size, out, outOffset, now, terms);
      if (typeof written === 'string') return written;
      association.count(size, now);
      if (association.bundledWith === undefined) return written;
      // The room of the first was made so that what the others add fits.
      terms.room = UNLIMITED_ROOM;
      association = this.#associations.tunnel(association.bundledWith).outbound;
      from = out;
      at = outOffset;
      size = written;
    }
    return 'bundle_too_deep';
  }
}
