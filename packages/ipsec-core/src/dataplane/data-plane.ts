import type { CryptoProvider } from '../crypto/provider.js';
import type { CounterMemory } from '../policy/counter-memory.js';
import type { DropReason } from '../policy/drop-reason.js';
import { type LifetimeEvent, SecurityAssociationDatabase } from '../policy/sad.js';
import type { SecurityAssociationParameters, TravelParameters } from '../policy/security-association-parameters.js';
import { isNamed } from '../policy/security-policy.js';
import { createSecurityPolicyDatabase, type SecurityPolicyDatabase } from '../policy/spd.js';
import { type Acquire, AcquireQueue } from './acquire.js';
import { type AssociationSnapshot, associationSnapshots } from './association-snapshot.js';
import { ClearProcessor } from './clear.js';
import { DropCounters } from './drop-counters.js';
import { type EcnAnomalyCount, EcnCounters } from './ecn-counters.js';
import { type Explanation, explainClear, explainOutbound } from './explain.js';
import { FragmentCheck } from './fragment-check.js';
import { type IcmpErrorCounters, type IcmpErrorOptions, IcmpErrors } from './icmp-error.js';
import { type InboundContext, InboundProcessor } from './inbound.js';
import { OutboundProcessor } from './outbound.js';
import type { OutboundContext } from './outbound-context.js';
import { type PolicyCounters, PolicyCounterTable } from './policy-counters.js';
import { ProtectedIcmpErrors } from './protected-icmp.js';
import { Reassembler, type ReassemblyOptions, type ReassemblyUse } from './reassembly.js';
import type { PacketRun } from './run-protector.js';
import { TunnelChoices } from './tunnel-choices.js';
import { type TunnelCounters, tunnelCounters } from './tunnel-counters.js';
import { TunnelPaths } from './tunnel-paths.js';
import { UnprotectedIcmp, type UnprotectedIcmpOptions, type UnprotectedIcmpOutcome } from './unprotected-icmp.js';
import type { InboundResult, InboundRunResult, OutboundResult } from './verdict.js';

export interface DataPlaneOptions {
  readonly provider: CryptoProvider;
  /** Fills the array from a cryptographically secure source. */
  readonly random: (out: Uint8Array) => void;
  /** Where counters are kept; memory of its own when left out. */
  readonly counters?: CounterMemory;
  /** Bounds of reassembly on the protected side. */
  readonly reassembly?: ReassemblyOptions;
  /** Which ICMP messages of the unprotected side count. */
  readonly unprotectedIcmp?: UnprotectedIcmpOptions;
  /** Source and rate of the ICMP errors that tell sources of too large packets what would pass. */
  readonly icmpErrors?: IcmpErrorOptions;
  /**
   * Whether peers are asked what their paths carry, and answered (RFC 8899): the caller then takes what `paths` has to
   * send and has heard. False by default: probes of a peer are discarded as any dummy packet is.
   */
  readonly pathProbing?: boolean;
}

/**
 * The packet path of one edge. All calls are synchronous and write into the caller's memory; `packet` and `out` may be
 * the same array, and nothing is copied when the inner packet already stands where it belongs in the ESP packet (after
 * SPI, sequence number and IV). `now` is milliseconds of one monotonic clock. Before the first installPolicy everything
 * is discarded.
 */
export class DataPlane {
  /** What its peers are asked about the paths to them, and answer. */
  readonly paths: TunnelPaths;
  readonly #associations: SecurityAssociationDatabase;
  readonly #drops: DropCounters;
  readonly #ecn = new EcnCounters();
  readonly #policies: PolicyCounterTable;
  readonly #acquires = new AcquireQueue();
  readonly #reassembler: Reassembler;
  readonly #icmpErrors: IcmpErrors;
  readonly #fragments: FragmentCheck;
  readonly #unprotectedIcmp: UnprotectedIcmp;
  readonly #choices: TunnelChoices;
  readonly #outboundContext: OutboundContext;
  readonly #inboundContext: InboundContext;
  readonly #clear: ClearProcessor;
  readonly #outbound: OutboundProcessor;
  readonly #inbound: InboundProcessor;

  constructor(options: DataPlaneOptions) {
    this.#drops = new DropCounters(options.counters?.drops);
    this.#policies = new PolicyCounterTable(options.counters?.policy);
    this.#associations = new SecurityAssociationDatabase(options);
    this.#reassembler = new Reassembler(options.reassembly ?? {}, this.#drops);
    this.#icmpErrors = new IcmpErrors(options.icmpErrors ?? {});
    this.#fragments = new FragmentCheck(options.random);
    this.#choices = new TunnelChoices(this.#associations);
    this.paths = new TunnelPaths(this.#associations, options.random, this.#drops, options.pathProbing ?? false);
    this.#unprotectedIcmp = new UnprotectedIcmp(this.#associations, options.unprotectedIcmp ?? {}, this.paths.heard);
    const icmp = new ProtectedIcmpErrors();
    const database = createSecurityPolicyDatabase([]);
    this.#outboundContext = {
      database,
      tunnels: [],
      associations: this.#associations,
      policies: this.#policies,
      acquires: this.#acquires,
      drops: this.#drops,
      reassembler: this.#reassembler,
      icmpErrors: this.#icmpErrors,
      icmp,
      random: options.random,
    };
    this.#inboundContext = {
      database,
      associations: this.#associations,
      policies: this.#policies,
      drops: this.#drops,
      ecn: this.#ecn,
      fragments: this.#fragments,
      icmp,
      pathMessages: this.paths.heard,
    };
    this.#clear = new ClearProcessor(this.#inboundContext);
    this.#outbound = new OutboundProcessor(this.#outboundContext);
    this.#inbound = new InboundProcessor(this.#inboundContext);
  }

  /**
   * Swaps the snapshot between two packets. No association is touched: one whose entry is gone or changed stays until it
   * is removed, and carries what the new policy sends into its tunnel and lets out of it (RFC 4301 section 4.4.1,
   * "Handling Changes to the SPD"). Counters of entries that keep their entryId go on, as do those of tunnels that an
   * entry names or that have an association.
   */
  installPolicy(database: SecurityPolicyDatabase): void {
    this.#policies.install(database);
    this.#acquires.clear();
    this.#fragments.clear();
    const named = tunnelsNamed(database);
    this.#associations.forgetTunnels((tunnelId) => named.has(tunnelId));
    this.#outboundContext.tunnels = this.#choices.tunnelsOf(database);
    this.#outboundContext.database = database;
    this.#inboundContext.database = database;
  }

  /**
   * From the next packet on, packets of entries that name a tunnel go into the alternative that `choices` has for it. Where it
   * has none, or one that is no alternative of the entry, they go into the tunnel that the entry names. The same holds for
   * policies that are installed later, until the next call.
   */
  choose(choices: ReadonlyMap<string, string>): void {
    this.#choices.choose(choices);
    this.#acquires.clear();
    this.#outboundContext.tunnels = this.#choices.tunnelsOf(this.#outboundContext.database);
  }

  /**
   * Outbound, and not on standby: becomes the one its tunnel sends on; the predecessor stays until it is removed. Throws
   * SecurityAssociationError, having changed nothing.
   */
  install(parameters: SecurityAssociationParameters, now: number): void {
    this.#associations.install(parameters, now);
    const tunnel = this.#associations.tunnel(parameters.tunnelId);
    this.paths.installed();
    this.#acquires.settle(tunnel.tunnelId, (...wanted) => tunnel.select(...wanted) !== undefined);
  }

  /**
   * Both ends of a tunnel may move (RFC 4555): packets of this association travel as `travel` says from now on; key, sequence
   * number, replay window, counters and lifetimes go on. Where a socket writes the outer header before and after there is
   * nothing to be done here but `paths.forgetPathMtu`. False when there is no such association. Throws
   * SecurityAssociationError.
   */
  moveOutbound(tunnelId: string, spi: number, travel: TravelParameters): boolean {
    const association = this.#associations.tunnel(tunnelId).find(spi);
    association?.move(travel);
    this.paths.restart(tunnelId);
    return association !== undefined;
  }

  removeInbound(spi: number): boolean {
    return this.#associations.removeInbound(spi);
  }

  removeOutbound(tunnelId: string, spi: number): boolean {
    const removed = this.#associations.removeOutbound(tunnelId, spi);
    this.paths.removed(tunnelId);
    return removed;
  }

  /**
   * A clear packet from the TUN: on `transmit`, the ESP packet (from the SPI on, without UDP header) is in `out`. `out`
   * needs room for the packet and espOverhead octets. The result is reused.
   *
   * A packet that is too large for its path, or that came in fragments, may become several: while `more` is true,
   * protectMore has the next; what is not taken before the next call of protect is lost (fragment_not_taken). SYN
   * segments may be changed in `packet` itself (their MSS, and with it their checksum).
   */
  protect(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    return this.#outbound.protect(packet, offset, length, out, outOffset, now);
  }

  /**
   * As `protect` does with each packet of a run (see PacketRun), packet `first` being the next; `count` are left. What does
   * not go with it is left for the next call: on `transmit`, `packets` say how many went, otherwise it was the first. `out`
   * needs room for all of them with espOverhead octets each.
   */
  protectRun(
    run: PacketRun,
    first: number,
    count: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): OutboundResult {
    return this.#outbound.protectRun(run, first, count, out, outOffset, now);
  }

  /**
   * A packet that another engine has put together from fragments and answered with `elsewhere`, as that engine would have
   * protected it: `largestFragment` and `identification` are of its answer.
   */
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
    const outbound = this.#outbound;
    return outbound.protectReassembled(packet, offset, length, largestFragment, identification, out, outOffset, now);
  }

  /** The next of the packets that the last one became; `out` as for protect. When none waits, `held`. */
  protectMore(out: Uint8Array, outOffset: number, now: number): OutboundResult {
    return this.#outbound.protectMore(out, outOffset, now);
  }

  /**
   * Writes the ICMP error that the last packet's result announced: a whole IP packet, at most 1280 octets, to go where
   * the packet came from. Returns its octets; 0 when there is none, -1 when `out` has no room: it then waits on.
   */
  takeIcmpError(out: Uint8Array, outOffset: number): number {
    return this.#icmpErrors.take(out, outOffset);
  }

  /**
   * A packet that carries nothing and that the receiver discards (RFC 4303 section 2.6), so that silence does not show.
   * For associations in tunnel mode whose outer header a UDP socket writes.
   */
  dummy(tunnelId: string, payloadLength: number, out: Uint8Array, outOffset: number, now: number): OutboundResult {
    return this.#outbound.dummy(tunnelId, payloadLength, out, outOffset, now);
  }

  /**
   * A dummy packet on one outbound association of a tunnel in tunnel mode, standby ones included, so that its peer sees that it is
   * used. `out` needs room for 256 octets. `elsewhere`: another engine sends on it.
   */
  announce(tunnelId: string, spi: number, out: Uint8Array, outOffset: number, now: number): OutboundResult {
    return this.#outbound.announce(tunnelId, spi, out, outOffset, now);
  }

  /**
   * An ESP packet from the underlay (a UDP payload that classifyEncapsulated calls esp): on `deliver`, the clear packet
   * is in `out`. `out` needs room for `length` octets; after a discard it may hold remains. `outerTrafficClass`: of the header that the socket took off; without it congestion
   * marks of the underlay are lost (RFC 6040). The result is reused.
   */
  open(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    outerTrafficClass = 0,
  ): InboundResult {
    return this.#inbound.openEsp(packet, offset, length, out, outOffset, now, outerTrafficClass);
  }

  /**
   * ESP packets that arrived together: each of the `length` octets at `offset` has `size`, the last may have less. As `open`
   * does with each, in order, as far as they are of one association; what `packets` of the result does not count is left, and
   * when that is 0, the first is for `open`. Each delivered packet begins at a multiple of RUN_ALIGNMENT octets from
   * outOffset. `out` is another array than `packets` and needs room for `length` octets and RUN_ALIGNMENT for each packet.
   */
  openRun(
    packets: Uint8Array,
    offset: number,
    size: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
    outerTrafficClass = 0,
  ): InboundRunResult {
    return this.#inbound.openRun(packets, offset, size, length, out, outOffset, now, outerTrafficClass);
  }

  /**
   * A whole IP packet that carries AH or ESP: transport mode, AH, bundles, and tunnels whose outer header the engine
   * writes. It must be whole: fragments are reassembled before (RFC 4302 and 4303 section 3.4.1), as a raw socket does,
   * and refused here. `out` needs room for `length` octets; it may be `packet` itself when outOffset is not above offset.
   */
  openIp(
    packet: Uint8Array,
    offset: number,
    length: number,
    out: Uint8Array,
    outOffset: number,
    now: number,
  ): InboundResult {
    return this.#inbound.openIp(packet, offset, length, out, outOffset, now);
  }

  /**
   * A whole IP packet from the underlay that is not protected: everything that is not addressed to this device, or is
   * addressed to it and carries neither AH nor ESP, IKE included (RFC 4301 section 5.2, steps 2 and 3b). On `bypass` it
   * may go on as it stands; where policy wants protection it is discarded as `protection_required`. The result is reused.
   */
  receiveClear(packet: Uint8Array, offset: number, length: number, now: number): InboundResult {
    return this.#clear.receive(packet, offset, length, now);
  }

  /** What `receiveClear` would do with this packet, and why, without doing it. */
  explainClear(packet: Uint8Array, offset: number, length: number, now: number): Explanation {
    return explainClear(this.#inboundContext, packet, offset, length, now);
  }

  /** What `protect` would do with this packet, and why, without doing it. Allocates: it is for people, not for traffic. */
  explain(packet: Uint8Array, offset: number, length: number, now: number): Explanation {
    return explainOutbound(this.#outboundContext, packet, offset, length, now);
  }

  /**
   * Associations that outbound packets asked for since the last call, in the order of asking. Taken or not, one is not
   * reported again until 30 seconds have passed, its association was installed and removed, or policy was replaced.
   */
  acquires(): readonly Acquire[] {
    return this.#acquires.take();
  }

  /** Whether `acquires` has something to take; costs nothing. */
  get asksForAssociations(): boolean {
    return this.#acquires.waits;
  }

  /** Packets that asked for an association while 1024 others were pending, and were not heard. */
  acquireOverflow(): bigint {
    return BigInt(this.#acquires.overflow);
  }

  /**
   * Lifetimes reached since the last call; associations that reached their hard one are gone, and so are fragments whose
   * packet did not become whole in time.
   */
  expire(now: number): readonly LifetimeEvent[] {
    this.#reassembler.expire(now);
    const events = this.#associations.expire(now);
    for (const { kind, direction, tunnelId } of events) {
      if (kind === 'hard' && direction === 'outbound') this.paths.removed(tunnelId);
    }
    return events;
  }

  /** SPIs of inbound associations that took their first packet since the last call. */
  newlyUsed(): readonly number[] {
    return this.#associations.newlyUsed();
  }

  /** `now` says how old path MTUs are. */
  associations(now = 0): readonly AssociationSnapshot[] {
    return associationSnapshots(this.#associations, now);
  }

  /** Every tunnel that the policy names or that has had an association since that was installed. */
  tunnels(): readonly TunnelCounters[] {
    return tunnelCounters(this.#associations);
  }

  policies(): readonly PolicyCounters[] {
    return this.#policies.snapshot(this.#outboundContext.database);
  }

  drops(): readonly { readonly reason: DropReason; readonly packets: bigint }[] {
    return this.#drops.snapshot();
  }

  /**
   * An ICMP message that arrived unprotected, a whole IP packet: when it plausibly says that a packet of ours was too
   * large, the association's path MTU is lowered (RFC 4301 section 8.2.1). Nothing else comes of it.
   */
  receiveIcmpError(packet: Uint8Array, offset: number, length: number, now: number): UnprotectedIcmpOutcome {
    return this.#unprotectedIcmp.receive(packet, offset, length, now);
  }

  /**
   * The same from a UDP socket's error queue: `payload` is the start of a datagram that was sent, from the SPI on, at
   * least 8 octets of it, and `mtu` the path MTU that the operating system was told.
   */
  receiveSocketError(
    payload: Uint8Array,
    offset: number,
    length: number,
    mtu: number,
    now: number,
  ): UnprotectedIcmpOutcome {
    return this.#unprotectedIcmp.receiveFromSocket(payload, offset, length, mtu, now);
  }

  /**
   * The same from a raw socket's error queue: the start of a whole IP packet that was sent, and the path MTU that the
   * operating system was told, 0 when the message had none.
   */
  receiveQuotedPacket(
    packet: Uint8Array,
    offset: number,
    length: number,
    mtu: number,
    now: number,
  ): UnprotectedIcmpOutcome {
    return this.#unprotectedIcmp.receiveQuote(packet, offset, length, mtu, now);
  }

  /** What became of unprotected ICMP messages. */
  unprotectedIcmp(): readonly { readonly outcome: UnprotectedIcmpOutcome; readonly messages: bigint }[] {
    return this.#unprotectedIcmp.counters();
  }

  /** What became of the occasions to report that a packet is too large. */
  icmpErrors(): IcmpErrorCounters {
    return this.#icmpErrors.counters();
  }

  /** Fragments that wait for the rest of their packets. */
  reassembly(): ReassemblyUse {
    return this.#reassembler.use();
  }

  /** Pairs of inner and outer ECN fields that no tunnel ingress makes: somebody on the way tampers, or errs. */
  ecnAnomalies(): readonly EcnAnomalyCount[] {
    return this.#ecn.snapshot();
  }
}

/** By an entry, or by a carrier. */
function tunnelsNamed({ entries, carriers }: SecurityPolicyDatabase): ReadonlySet<string> {
  const byEntries = entries.flatMap((entry) =>
    entry.action === 'PROTECT' && !isNamed(entry) && entry.tunnelId !== undefined ? [entry] : [],
  );
  return new Set([...byEntries, ...carriers].flatMap(({ tunnelId, alternatives }) => alternatives ?? [tunnelId]));
}

/** Throws RangeError when a bound is out of range; what else can be wrong is found when it is installed. */
export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return new DataPlane(options);
}
