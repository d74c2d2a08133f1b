import { readUint32 } from '../bytes/octets.js';
import { type AhIntegrityName, type AhTransform, createAhTransform } from '../crypto/ah-transform.js';
import { createEspTransform, type EspTransform } from '../crypto/esp-transform.js';
import { ahKeyUsageLimit, espKeyUsageLimit, type KeyUsageLimit } from '../crypto/key-usage.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { EncryptionName } from '../crypto/suites.js';
import { SecurityAssociationError } from '../errors.js';
import { ECN } from '../wire/ip/ecn.js';
import type { OuterHeader } from '../wire/ip/header.js';
import { AntiReplayWindow } from './anti-replay.js';
import { ASSOCIATION_COUNTER, AssociationMemory } from './association-memory.js';
import { AssociationTraffic } from './association-traffic.js';
import { addToCounter, type CounterMemory } from './counter-memory.js';
import { SequenceCounter } from './extended-sequence.js';
import { Lifetime } from './lifetime.js';
import { PathMtu } from './path-mtu.js';
import {
  type AhAssociationParameters,
  checkOuter,
  checkParameters,
  type EspAssociationParameters,
  type FlowLabelPolicy,
  type OuterHeaderParameters,
  type SecurityAssociationParameters,
  type TravelParameters,
} from './security-association-parameters.js';

export interface AssociationOptions {
  readonly provider: CryptoProvider;
  readonly random: (out: Uint8Array) => void;
  /** Where counters are kept; memory of its own when left out. */
  readonly counters?: CounterMemory;
}

/**
 * RFC 2367 section 3.1's names. `mature` until the soft lifetime, then `dying`; `dead` once removed. A `larval` one has
 * no keys yet: here that is an Acquire, which is not in the SAD.
 */
export type AssociationState = 'mature' | 'dying' | 'dead';

/** What both directions have. */
export class SecurityAssociation {
  readonly tunnelId: string;
  readonly spi: number;
  readonly protocol: 'esp' | 'ah';
  readonly mode: 'tunnel' | 'transport';
  readonly suite: EncryptionName | AhIntegrityName;
  readonly extendedSequenceNumbers: boolean;
  /** Exactly one of the two. */
  readonly esp: EspTransform | undefined;
  readonly ah: AhTransform | undefined;
  /** Changes with `OutboundAssociation.move`, as the next two do, and nothing else of the association does. */
  outer: OuterHeader | undefined;
  dontFragment: 'copy' | 'set' | 'clear';
  readonly dscp: 'copy' | number | readonly number[];
  readonly innerDscp: 'keep' | 'overwrite';
  readonly ecn: 'normal' | 'compatibility';
  flowLabel: FlowLabelPolicy;
  readonly nonFirstFragmentsAlso: boolean;
  readonly bundledWith: string | undefined;
  readonly padTo: number;
  readonly traffic: AssociationTraffic;
  readonly lifetime: Lifetime;
  readonly installedAt: number;
  readonly memory: AssociationMemory;
  /** Whether another engine has worked with it before. */
  readonly continues: boolean;
  state: AssociationState = 'mature';

  constructor(parameters: SecurityAssociationParameters, options: AssociationOptions, now: number) {
    checkParameters(parameters);
    this.tunnelId = parameters.tunnelId;
    this.spi = parameters.spi;
    this.protocol = parameters.protocol;
    this.mode = parameters.mode;
    this.extendedSequenceNumbers = parameters.extendedSequenceNumbers;
    this.bundledWith = parameters.bundledWith;
    this.dscp = parameters.dscp ?? 'copy';
    this.innerDscp = parameters.innerDscp ?? 'keep';
    this.ecn = parameters.ecn ?? 'normal';
    this.dontFragment = parameters.outer?.dontFragment ?? DEFAULT_DONT_FRAGMENT;
    this.outer = outerHeaderOf(parameters.outer);
    this.padTo = (parameters.protocol === 'esp' ? parameters.padTo : undefined) ?? 1;
    this.flowLabel = parameters.outer?.flowLabel ?? defaultFlowLabel(this.padTo);
    this.traffic = new AssociationTraffic(parameters);
    this.nonFirstFragmentsAlso = parameters.nonFirstFragmentsAlso ?? false;
    this.memory = new AssociationMemory(parameters.memory);
    this.continues = this.memory.takeOver(now);
    this.installedAt = this.memory.installedAt;
    this.lifetime = new Lifetime(
      this.installedAt,
      parameters,
      randomShare(options.random),
      keyUsageLimitOf(parameters),
    );
    if (parameters.protocol === 'esp') {
      this.suite = parameters.suite;
      this.esp = espTransformOf(parameters, options);
      this.ah = undefined;
    } else {
      this.suite = parameters.integrity;
      this.esp = undefined;
      this.ah = ahTransformOf(parameters, options);
    }
  }

  get packets(): number {
    return this.memory.packets;
  }

  /** Inner octets. */
  get bytes(): number {
    return this.memory.bytes;
  }

  get lastUsedAt(): number | undefined {
    return this.memory.lastUsedAt;
  }

  /** Whether its packets have the IP header that they travel with; otherwise a socket of the caller writes that. */
  get writesHeader(): boolean {
    return this.mode === 'transport' || this.outer !== undefined;
  }

  isOver(now: number): boolean {
    return this.lifetime.isOver(now, this.packets, this.bytes);
  }

  count(bytes: number, now: number): void {
    const { counters } = this.memory;
    // First, so that a reader who finds a packet finds its time.
    counters[ASSOCIATION_COUNTER.lastUsedAt] = now;
    addToCounter(counters, ASSOCIATION_COUNTER.packets, 1);
    addToCounter(counters, ASSOCIATION_COUNTER.bytes, bytes);
  }

  /** Traffic class of an outer header for an inner packet of this one: DSCP by policy, ECN by RFC 6040 section 4.1. */
  outerTrafficClass(inner: number): number {
    const { dscp } = this;
    const ecn = this.ecn === 'normal' ? inner & 3 : ECN.notEct;
    if (dscp === 'copy') return (inner & 0xfc) | ecn;
    const mapped = typeof dscp === 'number' ? dscp : (dscp[inner >>> 2] ?? 0);
    return (mapped << 2) | ecn;
  }

  /** Wipes the keys. */
  destroy(): void {
    this.state = 'dead';
    this.esp?.destroy();
    this.ah?.destroy();
  }
}

export class OutboundAssociation extends SecurityAssociation {
  readonly sequence: SequenceCounter;
  pathMtu: PathMtu | undefined;
  /** Number of the engine that sends on it, when that is another one. */
  readonly sentBy: number | undefined;
  /** It carries no traffic of its tunnel. */
  readonly standby: boolean;
  /** Of packets of the engine's own in transport mode: the hosts that it is between. */
  readonly #between: OuterHeader | undefined;
  /** Set when a packet found no sequence number left; the association is over (RFC 4303 section 3.3.3). */
  exhausted = false;
  /** Grows from one installation to the next. */
  readonly installation: number;

  constructor(
    parameters: SecurityAssociationParameters,
    options: AssociationOptions,
    now: number,
    installation: number,
  ) {
    super(parameters, options, now);
    this.installation = installation;
    this.sequence = new SequenceCounter(parameters.extendedSequenceNumbers, this.memory);
    this.pathMtu = pathMtuOf(parameters, this.memory);
    this.#between = outerHeaderOf(parameters.between);
    this.sentBy = parameters.sentBy;
    this.standby = parameters.standby ?? false;
  }

  /**
   * Its packets travel otherwise from now on, as after a move of either end (RFC 4555 section 3.5): between other addresses, or
   * by the caller's socket and no longer with a header of the association's own, or the other way round. Of the new path
   * nothing is known. Throws SecurityAssociationError, having changed nothing.
   */
  move(travel: TravelParameters): void {
    const { outer } = travel;
    checkOuter({ ...travel, mode: this.mode, protocol: this.protocol });
    if (outer !== undefined && this.outer !== undefined && outer.local.length !== this.outer.source.length) {
      throw new SecurityAssociationError('ADDRESS_FAMILY', 'An association keeps the family of its outer addresses.');
    }
    const path = pathMtuOf({ ...travel, mode: this.mode }, this.memory);
    this.outer = outerHeaderOf(outer);
    this.dontFragment = outer?.dontFragment ?? DEFAULT_DONT_FRAGMENT;
    this.flowLabel = outer?.flowLabel ?? defaultFlowLabel(this.padTo);
    this.pathMtu = path;
    path?.forget();
  }

  /** The header of a packet that the engine makes itself; undefined: a socket of the caller writes it, or nobody can. */
  get ownHeader(): OuterHeader | undefined {
    return this.outer ?? this.#between;
  }

  /** The next packet's number is in `sequence`; false when none is left, and then never again (RFC 4303 section 3.3.3). */
  takeNumber(): boolean {
    if (this.sequence.advance()) return true;
    this.exhausted = true;
    return false;
  }

  /** Of two that may carry a packet: one set aside for its DSCP before one that is not, then the younger. */
  goesBefore(other: OutboundAssociation): boolean {
    const setAside = this.traffic.isForDscp;
    if (setAside !== other.traffic.isForDscp) return setAside;
    return this.installation > other.installation;
  }
}

export class InboundAssociation extends SecurityAssociation {
  readonly window: AntiReplayWindow;
  /** Its first packet has been reported. */
  useReported = false;

  constructor(parameters: SecurityAssociationParameters, options: AssociationOptions, now: number) {
    super(parameters, options, now);
    this.window = new AntiReplayWindow(parameters.replayWindow, this.memory.sequence, this.continues);
  }
}

function outerHeaderOf(
  outer: Omit<OuterHeaderParameters, 'dontFragment' | 'flowLabel'> | undefined,
): OuterHeader | undefined {
  if (outer === undefined) return undefined;
  return {
    family: outer.local.length === 4 ? 4 : 6,
    source: outer.local.slice(),
    destination: outer.remote.slice(),
    hopLimit: outer.hopLimit ?? DEFAULT_HOP_LIMIT,
  };
}

/** What all packets of an association are padded to the length of is not to be told apart by labels of flows. */
function defaultFlowLabel(padTo: number): FlowLabelPolicy {
  return padTo > 1 ? 'association' : 'flow';
}

function pathMtuOf(
  { pathMtu, mode, outer, between }: Pick<SecurityAssociationParameters, 'pathMtu' | 'mode' | 'outer' | 'between'>,
  memory: AssociationMemory,
): PathMtu | undefined {
  if (pathMtu === undefined) return undefined;
  const socketWrites = mode === 'tunnel' && outer === undefined;
  if ((pathMtu.underlay !== undefined) !== socketWrites) {
    throw new SecurityAssociationError(
      'PATH_MTU',
      'pathMtu.underlay describes a header that the caller writes: none else.',
    );
  }
  return new PathMtu(pathMtu, pathMtu.underlay?.family ?? outerHeaderOf(outer ?? between)?.family, memory);
}

function espTransformOf(parameters: EspAssociationParameters, options: AssociationOptions): EspTransform {
  return createEspTransform({
    provider: options.provider,
    random: options.random,
    suite: { encryption: parameters.suite, keyBits: parameters.keyBits, integrity: parameters.integrity },
    keyingMaterial: parameters.keyingMaterial,
    extendedSequenceNumbers: parameters.extendedSequenceNumbers,
    direction: parameters.direction,
  });
}

function ahTransformOf(parameters: AhAssociationParameters, options: AssociationOptions): AhTransform {
  return createAhTransform({
    provider: options.provider,
    integrity: parameters.integrity,
    keyBits: parameters.keyBits ?? 0,
    keyingMaterial: parameters.keyingMaterial,
    extendedSequenceNumbers: parameters.extendedSequenceNumbers,
    direction: parameters.direction,
  });
}

function keyUsageLimitOf(parameters: SecurityAssociationParameters): KeyUsageLimit {
  if (parameters.protocol === 'ah') return ahKeyUsageLimit(parameters.integrity);
  return espKeyUsageLimit(parameters.suite, parameters.integrity, parameters.padTo ?? 1);
}

function randomShare(random: (out: Uint8Array) => void): number {
  const octets = new Uint8Array(4);
  random(octets);
  return readUint32(octets, 0) / 2 ** 32;
}

const DEFAULT_DONT_FRAGMENT = 'copy';
const DEFAULT_HOP_LIMIT = 64;
