import type { AhIntegrityName } from '../crypto/ah-transform.js';
import type { Direction } from '../crypto/provider.js';
import type { EncryptionName, IntegrityName } from '../crypto/suites.js';
import { SecurityAssociationError } from '../errors.js';
import { FIRST_SPI } from '../wire/esp.js';
import type { TrafficParameters } from './association-traffic.js';
import type { LifetimeParameters } from './lifetime.js';
import type { PathMtuParameters } from './path-mtu.js';

/** The tunnel header that the engine writes itself (RFC 4301 section 5.1.2); addresses of 4 or of 16 octets. */
export interface OuterHeaderParameters {
  readonly local: Uint8Array;
  readonly remote: Uint8Array;
  /** TTL or hop limit, 64 by default. */
  readonly hopLimit?: number;
  /** IPv4 outer header: `copy` from an IPv4 inner one (an IPv6 inner counts as set), by default. */
  readonly dontFragment?: 'copy' | 'set' | 'clear';
  /**
   * IPv6 outer header: a keyed hash of the inner flow (RFC 6438), the default; one label for the whole association,
   * which shows nothing of the flows in it and is the default with `padTo`; or 0.
   */
  readonly flowLabel?: FlowLabelPolicy;
}

export type FlowLabelPolicy = 'flow' | 'association' | 'zero';

interface CommonParameters extends LifetimeParameters, TrafficParameters {
  readonly direction: Direction;
  readonly tunnelId: string;
  /** Chosen by the receiver; 256 or more. */
  readonly spi: number;
  readonly mode: 'tunnel' | 'transport';
  /** Encryption key, salt, integrity key. The engine keeps no reference: wipe it after install. */
  readonly keyingMaterial: Uint8Array;
  readonly extendedSequenceNumbers: boolean;
  /** Packets, 64 to 4096; 1024 by default. */
  readonly replayWindow?: number;
  /** Tunnel mode without it: the caller's UDP socket writes the outer header, and packets start with the SPI. */
  readonly outer?: OuterHeaderParameters;
  /**
   * Transport mode, outbound: the two hosts that it is between, for packets of the engine's own, which ask what the path carries.
   * Without it nothing is asked.
   */
  readonly between?: Pick<OuterHeaderParameters, 'local' | 'remote'>;
  /** DSCP of the outer header: the inner one by default, a fixed value, or by the inner one's value from a table of 64. */
  readonly dscp?: 'copy' | number | readonly number[];
  /** Inbound: whether the outer DSCP, which nothing authenticates, replaces the inner one. `keep` by default. */
  readonly innerDscp?: 'keep' | 'overwrite';
  /**
   * ECN field of the outer header (RFC 6040 section 4.1): copied from the inner one (`normal`, the default, right for
   * every RFC 4301 peer), or Not-ECT for a peer that would lose congestion marks (`compatibility`).
   */
  readonly ecn?: 'normal' | 'compatibility';
  /**
   * Whether fragments that hide their ports go over the association although its policy has ports, as negotiated by
   * NON_FIRST_FRAGMENTS_ALSO (RFC 4301 section 7.3). False by default: packets are then sent whole, and such fragments
   * refused.
   */
  readonly nonFirstFragmentsAlso?: boolean;
  /** Outbound: path MTU (RFC 4301 section 8.2). Without it, packets of any length are sent and none is reported. */
  readonly pathMtu?: PathMtuParameters;
  /**
   * Tunnel whose association protects the result once more (an SA bundle, RFC 4301 section 4.5 of RFC 2401's terms):
   * outbound, it is applied next; inbound, a packet is refused that did not come through it.
   */
  readonly bundledWith?: string;
  /**
   * Outbound: another engine sends on it, the one that has this number with the caller, so that numbers rise in one hand. This
   * one knows it for what its path carries, and answers its packets with `elsewhere`.
   */
  readonly sentBy?: number;
  /** Outbound: it carries nothing of its tunnel's traffic, whatever was installed last, and dummy packets when they are asked for. */
  readonly standby?: boolean;
  /**
   * At least ASSOCIATION_MEMORY_OCTETS, all zero for a new association. With a buffer that another engine used for it, the
   * association goes on: its lifetime and counters, with numbers that were never used, and refusing what was received.
   */
  readonly memory?: ArrayBufferLike;
}

export interface EspAssociationParameters extends CommonParameters {
  readonly protocol: 'esp';
  readonly suite: EncryptionName;
  readonly keyBits: number;
  /** Needed exactly when the suite has no integrity of its own. */
  readonly integrity?: IntegrityName;
  /** Tunnel mode: pad every packet with traffic flow confidentiality octets to a multiple of this (RFC 4303 §2.7). */
  readonly padTo?: number;
}

export interface AhAssociationParameters extends CommonParameters {
  readonly protocol: 'ah';
  readonly integrity: AhIntegrityName;
  /** For aes-gmac. */
  readonly keyBits?: number;
}

/** One SAD entry as its maker describes it (RFC 4301 section 4.4.2). */
export type SecurityAssociationParameters = EspAssociationParameters | AhAssociationParameters;

/** How packets of an association travel: all that a move of either end changes of it (RFC 4555 section 3.5). */
export type TravelParameters = Pick<CommonParameters, 'outer' | 'pathMtu'>;

/** Throws SecurityAssociationError for values that contradict each other, whatever the suite. */
export function checkParameters(parameters: SecurityAssociationParameters): void {
  const { spi, mode, protocol, between } = parameters;
  if (!Number.isInteger(spi) || spi < FIRST_SPI || spi > LAST_SPI) {
    throw new SecurityAssociationError('SPI_RESERVED', `An SPI is ${FIRST_SPI} to ${LAST_SPI}, not ${spi}.`);
  }
  checkOuter(parameters);
  if (between !== undefined) {
    checkFamilies(between);
    if (mode === 'tunnel')
      throw new SecurityAssociationError('MODE', 'Tunnel mode says with outer where it is between.');
  }
  if (protocol === 'esp' && parameters.padTo !== undefined) checkPadTo(parameters.padTo, mode);
}

/** Throws SecurityAssociationError when packets of this protocol and mode cannot have this outer header. */
export function checkOuter({
  outer,
  mode,
  protocol,
}: Pick<SecurityAssociationParameters, 'outer' | 'mode' | 'protocol'>) {
  if (outer !== undefined) checkFamilies(outer);
  if (mode === 'transport' && outer !== undefined) {
    throw new SecurityAssociationError('MODE', 'Transport mode keeps the header of the packet: leave outer out.');
  }
  if (protocol === 'ah' && mode === 'tunnel' && outer === undefined) {
    throw new SecurityAssociationError('MODE', 'AH covers its outer header: tunnel mode needs outer.');
  }
}

function checkFamilies({ local, remote }: Pick<OuterHeaderParameters, 'local' | 'remote'>): void {
  if (local.length === remote.length && [4, 16].includes(local.length)) return;
  throw new SecurityAssociationError('ADDRESS_FAMILY', 'Both outer addresses have 4 octets, or both have 16.');
}

function checkPadTo(padTo: number, mode: string): void {
  if (mode === 'tunnel' && Number.isInteger(padTo) && padTo >= 1 && padTo <= 9000) return;
  throw new SecurityAssociationError('MODE', 'padTo is 1 to 9000 octets, and only tunnel mode can tell padding apart.');
}

const LAST_SPI = 0xffffffff;
