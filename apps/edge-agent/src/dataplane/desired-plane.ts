import {
  ASSOCIATION_MEMORY_OCTETS,
  AssociationMemory,
  type AssociationSnapshot,
  type AssociationState,
  associationPath,
  type LifetimeEvent,
  Secret,
  type SecurityAssociationParameters,
  type TravelParameters,
} from '@weft/ipsec-core';
import type { InstalledAssociation, LoadedPolicies, OutboundReference, TunnelRemote } from './messages.js';

/**
 * What the packet path is to hold: the policies in force and the associations, with their keys. A worker that takes the
 * place of another is told all of it; what associations have used up is in their memory, which is shared.
 */
export class DesiredPlane {
  #loaded: LoadedPolicies | undefined;
  /** By direction and name, in the order of installation: of several outbound ones of a tunnel the last one sends. */
  readonly #associations = new Map<string, KeptAssociation>();
  /** By tunnel: the last inbound one, while it is there. */
  readonly #inbound = new Map<string, KeptAssociation>();
  /** By tunnel: how often an association that sends has taken the place of another, whoever made their keys. */
  readonly #rekeys = new Map<string, bigint>();
  /** By traffic: associations that may send it. */
  readonly #senders = new Map<string, number>();
  /** Where peers were found since the policies were loaded; those that come from anywhere before that, too. */
  #redirected = new Map<string, TunnelRemote>();

  get loaded(): LoadedPolicies | undefined {
    return this.#loaded;
  }

  get redirected(): readonly TunnelRemote[] {
    return [...this.#redirected.values()];
  }

  /** Tunnels that the policies name, that carry what they protect, or that have an association. */
  tunnelIds(loaded: LoadedPolicies | undefined = this.#loaded): readonly string[] {
    const protecting = (loaded?.policies ?? []).filter((policy) => policy.action === 'PROTECT');
    const named = [...protecting, ...(loaded?.carriers ?? [])].flatMap(
      ({ tunnelId, alternatives }) => alternatives ?? (tunnelId === undefined ? [] : [tunnelId]),
    );
    const used = [...this.#associations.values()].map(({ parameters }) => parameters.tunnelId);
    return [...new Set([...named, ...used])];
  }

  /** The policies are in force; associations of tunnels that they do not know are gone. Nothing: none are. */
  load(loaded: LoadedPolicies | undefined): void {
    this.#loaded = loaded;
    const found = loaded?.tunnels.filter(({ socketAddress }) => socketAddress === undefined) ?? [];
    this.#redirected = new Map(
      found.flatMap(({ tunnelId }) => {
        const remote = this.#redirected.get(tunnelId);
        return remote === undefined ? [] : [[tunnelId, remote]];
      }),
    );
    const tunnels = new Set(loaded?.tunnels.map(({ tunnelId }) => tunnelId));
    for (const [name, { parameters }] of this.#associations) {
      if (!tunnels.has(parameters.tunnelId)) this.#forget(name);
    }
    for (const tunnelId of this.#rekeys.keys()) if (!tunnels.has(tunnelId)) this.#rekeys.delete(tunnelId);
  }

  /** The underlay has other sockets; everything else stays. */
  rebind(socketFds: readonly number[]): void {
    if (this.#loaded !== undefined) this.#loaded = { ...this.#loaded, socketFds };
  }

  /** They are installed. */
  install(associations: readonly KeptAssociation[]): void {
    for (const association of associations) {
      const { direction, tunnelId } = association.parameters;
      if (sends(association) && this.#changeSenders(association, 1) > 1) {
        this.#rekeys.set(tunnelId, this.rekeysOf(tunnelId) + 1n);
      }
      this.#associations.set(nameOf(association.parameters), association);
      if (direction === 'inbound') this.#inbound.set(tunnelId, association);
    }
  }

  /** Its packets travel otherwise. */
  move({ tunnelId, spi }: OutboundReference, travel: TravelParameters): void {
    this.#associations.get(nameOf({ direction: 'outbound', tunnelId, spi }))?.move(travel);
  }

  redirect(remote: TunnelRemote): void {
    this.#redirected.set(remote.tunnelId, remote);
  }

  remove(inbound: readonly number[], outbound: readonly OutboundReference[]): void {
    for (const spi of inbound) this.#forget(nameOf({ direction: 'inbound', tunnelId: '', spi }));
    for (const { tunnelId, spi } of outbound) this.#forget(nameOf({ direction: 'outbound', tunnelId, spi }));
  }

  /** What a worker tells of an association. @returns whether it was not known. */
  reached(event: LifetimeEvent): boolean {
    const name = nameOf(event);
    const association = this.#associations.get(name);
    if (association === undefined || (event.kind === 'soft' && association.state === 'dying')) return false;
    if (event.kind === 'hard') this.#forget(name);
    else association.state = 'dying';
    return true;
  }

  /** The inbound association of a tunnel that was installed last. */
  inboundOf(tunnelId: string): KeptAssociation | undefined {
    return this.#inbound.get(tunnelId);
  }

  /** Whether packets can go out in a tunnel. */
  hasOutbound(tunnelId: string): boolean {
    for (const { parameters } of this.#associations.values()) {
      if (parameters.direction === 'outbound' && parameters.tunnelId === tunnelId && !parameters.standby) return true;
    }
    return false;
  }

  /** Times that an association that sends in a tunnel was replaced by another, since the tunnel is there. */
  rekeysOf(tunnelId: string): bigint {
    return this.#rekeys.get(tunnelId) ?? 0n;
  }

  hasInbound(spi: number): boolean {
    return this.#associations.has(nameOf({ direction: 'inbound', tunnelId: '', spi }));
  }

  /** All of them, in the order of installation. */
  associations(): readonly KeptAssociation[] {
    return [...this.#associations.values()];
  }

  /** `now` says how old path MTUs are. */
  snapshot(now: number): readonly InstalledAssociation[] {
    const senders = new Map<string, KeptAssociation>();
    for (const kept of this.#associations.values()) {
      if (!kept.parameters.standby) senders.set(kept.traffic, kept);
    }
    return [...this.#associations.values()].map((kept) => kept.snapshot(senders.get(kept.traffic) === kept, now));
  }

  /** @returns how many there are then. */
  #changeSenders({ traffic }: KeptAssociation, by: 1 | -1): number {
    const senders = (this.#senders.get(traffic) ?? 0) + by;
    if (senders > 0) this.#senders.set(traffic, senders);
    else this.#senders.delete(traffic);
    return senders;
  }

  #forget(name: string): void {
    const association = this.#associations.get(name);
    if (association === undefined) return;
    association.wipe();
    this.#associations.delete(name);
    if (sends(association)) this.#changeSenders(association, -1);
    const { tunnelId } = association.parameters;
    if (this.#inbound.get(tunnelId) === association) this.#inbound.delete(tunnelId);
  }
}

/** An association with its key and its memory. */
export class KeptAssociation {
  #parameters: SecurityAssociationParameters;
  /** The same for associations of which the last one installed carries the traffic. */
  readonly traffic: string;
  readonly #key: Secret;
  readonly #memory = new SharedArrayBuffer(ASSOCIATION_MEMORY_OCTETS);
  state: AssociationState = 'mature';
  /** Outbound: place of the worker that sends on it. */
  sender: number | undefined;

  /** Takes the keying material over: it is wiped in `parameters`. */
  constructor(parameters: SecurityAssociationParameters) {
    this.#key = new Secret(parameters.keyingMaterial);
    parameters.keyingMaterial.fill(0);
    // By a spread each of them would have a hidden class of its own, which is collected with the old generation only.
    this.#parameters = Object.assign({}, parameters, { keyingMaterial: NO_KEY, memory: this.#memory });
    const { direction, tunnelId, spi, selectors, dscpValues } = parameters;
    this.traffic = JSON.stringify(
      direction === 'inbound' ? [spi] : [tunnelId, selectors, dscpValues],
      (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value),
    );
  }

  /** Without the keying material. */
  get parameters(): SecurityAssociationParameters {
    return this.#parameters;
  }

  move(travel: TravelParameters): void {
    const { outer: _, pathMtu: __, ...rest } = this.#parameters;
    this.#parameters = { ...rest, ...travel };
  }

  /** For the worker in a place: with a copy of the keying material, in a buffer of its own, and who sends unless it does. */
  withKey(place: number): SecurityAssociationParameters {
    const keyingMaterial = this.#key.reveal((octets) => Uint8Array.from(octets));
    const { sender } = this;
    const sentBy = sender === undefined || sender === place ? {} : { sentBy: sender };
    return Object.assign({}, this.parameters, { keyingMaterial }, sentBy);
  }

  wipe(): void {
    this.state = 'dead';
    this.#key.wipe();
  }

  /** As it stands; `sends` says whether new packets go out on it. */
  snapshot(sends: boolean, now: number): InstalledAssociation {
    const { parameters } = this;
    const { packets, bytes, lastUsedAt, installedAt, sequence } = new AssociationMemory(this.#memory);
    const [high = 0, low = 0] = sequence;
    return {
      direction: parameters.direction,
      tunnelId: parameters.tunnelId,
      spi: parameters.spi,
      suite: suiteOf(parameters),
      current: parameters.direction === 'inbound' || sends,
      state: this.state,
      selectors: parameters.selectors,
      packets: BigInt(packets),
      bytes: BigInt(bytes),
      sequence: (BigInt(high) << 32n) | BigInt(low),
      installedAt,
      lastUsedAt,
      hardExpiresAt: installedAt + parameters.hardLifetimeMilliseconds,
      path: parameters.direction === 'outbound' ? associationPath(parameters, now) : undefined,
    };
  }
}

function sends({ parameters }: KeptAssociation): boolean {
  return parameters.direction === 'outbound' && parameters.standby !== true;
}

function suiteOf(parameters: SecurityAssociationParameters): AssociationSnapshot['suite'] {
  return parameters.protocol === 'esp' ? parameters.suite : parameters.integrity;
}

/** An inbound SPI names one association; an outbound one does so only with its tunnel. */
function nameOf({ direction, tunnelId, spi }: Pick<SecurityAssociationParameters, 'direction' | 'tunnelId' | 'spi'>) {
  return direction === 'inbound' ? `in ${spi}` : `out ${spi} ${tunnelId}`;
}

const NO_KEY = new Uint8Array(0);
