import type { WireSelector } from '../../wire/ike/payloads/traffic-selector.js';
import type { ChildSa } from '../child-sa.js';
import type { ChildConfiguration, Flow } from '../connection.js';
import type { Lineage } from '../lineage.js';
import { describeSelector, everything, onlyAddress } from '../narrowing.js';

/** What a negotiation of a Child SA depends on beside its configuration and the message. */
export interface ChildContext {
  /** The first Child SA has no key exchange of its own (RFC 7296 section 1.2). */
  readonly withKeyExchange: boolean;
  /** A NAT lies between: transport mode is not for it, as addresses and checksums inside would not be those outside. */
  readonly nat: boolean;
  /** What we allow, or offer, with virtual addresses in place. */
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
  /** Whether the peer has given an SPI to another Child SA already: two with one SPI would be one SA. */
  readonly isPeerSpiTaken: (spi: number) => boolean;
}

/** Of a Child SA that we are asked for, or whose answer we check. */
export function contextOf(lineage: Lineage, configuration: ChildConfiguration, withKeyExchange: boolean): ChildContext {
  const resolve = (selectors: ChildConfiguration['local'], virtual: readonly Uint8Array[]) =>
    selectors === 'virtual' ? virtual.map(onlyAddress) : selectors;
  return {
    withKeyExchange,
    nat: lineage.nat.present,
    local: resolve(configuration.local, lineage.virtual.local),
    remote: resolve(configuration.remote, lineage.virtual.remote),
    isPeerSpiTaken: (spi) => isPeerSpiTaken(lineage, configuration, spi),
  };
}

/**
 * The peer finds its inbound SAs by SPI and protocol (RFC 4301 section 4.1), whichever IKE SA they came by. Those of other IKE
 * SAs do not count where they may be of another host that shares the identity.
 */
function isPeerSpiTaken(lineage: Lineage, { protocol = 'esp' }: ChildConfiguration, spi: number): boolean {
  const { connection, host } = lineage;
  const others = connection.uniqueness === 'never' ? [] : host.established(connection);
  return [lineage, ...others].some(({ children }) =>
    children.all.some(
      ({ association, phase }) =>
        association.outboundSpi === spi && association.suite.protocol === protocol && phase !== 'lingering',
    ),
  );
}

/**
 * Of one that we ask for. Before an address is assigned, all addresses are offered, and the peer narrows them (section
 * 2.19). A flow that needs it comes first, "very specific" (section 2.9).
 */
export function offerContextOf(
  lineage: Lineage,
  configuration: ChildConfiguration,
  withKeyExchange: boolean,
  flow: Flow | undefined,
): ChildContext {
  const context = contextOf(lineage, configuration, withKeyExchange);
  const host = lineage.connection.configuration;
  const unassigned = configuration.local === 'virtual' && lineage.establishedAt === undefined;
  const local = unassigned && host?.kind === 'client' ? host.families.map(everything) : context.local;
  if (flow === undefined) return { ...context, local };
  if (configuration.perFlow === true) return { ...context, local: [flow.local], remote: [flow.remote] };
  return { ...context, local: [flow.local, ...local], remote: [flow.remote, ...context.remote] };
}

/** False when it has gone from its connection since the Child SA was asked for. */
export function isConfigured({ connection }: Lineage, { name }: ChildConfiguration): boolean {
  return connection.children.some((child) => child.name === name);
}

/** What at most one SA pair stands for: a child of the configuration, or one of its flows. */
export function policyOf(
  { name, perFlow }: ChildConfiguration,
  selectors: { readonly local: readonly WireSelector[]; readonly remote: readonly WireSelector[] } | undefined,
): string {
  if (perFlow !== true || selectors === undefined) return name;
  return [name, ...selectors.local.map(describeSelector), '->', ...selectors.remote.map(describeSelector)].join(' ');
}

export function flowOf({ configuration, association }: ChildSa): Flow | undefined {
  const [local] = association.local;
  const [remote] = association.remote;
  return configuration.perFlow === true && local !== undefined && remote !== undefined ? { local, remote } : undefined;
}
