import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import type { ChildAssociation, IkeOutput } from '@weft/ipsec-core/ike';
import { encodeSocketAddress } from '@weft/linux-io';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import type { TunnelRemote } from '../dataplane/messages.js';
import { associationParameters, type ChildProtection, isNative, travelOf } from './child-sa-parameters.js';

/** What Child SAs are installed in. */
export type ChildSaPlane = Pick<DataPlaneControl, 'install' | 'expect' | 'remove' | 'move' | 'redirect'>;

/** A Child SA that the packet path cannot carry, in words for the operator. */
export class ChildSaRefusal extends Error {
  override readonly name = 'ChildSaRefusal';
  readonly code: 'unknown_tunnel' | 'other_mode' | 'transport_behind_nat' | 'ah_behind_nat';

  constructor(code: ChildSaRefusal['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

/**
 * Child SAs of the IKE engine in the SAD of the packet path. The peer may go on sending on a predecessor while its
 * answer to our Delete travels, so the inbound half of an SA that has a successor outlives its removal for a moment.
 */
export class ChildSaInstaller {
  readonly #plane: ChildSaPlane;
  readonly #protectionOf: (association: ChildAssociation) => ChildProtection | undefined;
  readonly #after: (milliseconds: number, run: () => void) => () => void;
  readonly #onRemovalFailure: (inboundSpi: number, error: unknown) => void;
  readonly #installed = new Map<number, InstalledChild>();
  /** Where the packets of a tunnel go. */
  readonly #remotes = new Map<string, TunnelRemote>();
  readonly #lingering = new Map<number, { readonly tunnelId: string; readonly cancel: () => void }>();

  constructor(
    plane: ChildSaPlane,
    protectionOf: (association: ChildAssociation) => ChildProtection | undefined,
    after: (milliseconds: number, run: () => void) => () => void,
    /** What lingered could not be removed; that nobody waits for. */
    onRemovalFailure: (inboundSpi: number, error: unknown) => void,
  ) {
    this.#plane = plane;
    this.#protectionOf = protectionOf;
    this.#after = after;
    this.#onRemovalFailure = onRemovalFailure;
  }

  /** Child SAs in the packet path, predecessors that linger not counted. */
  associations(): readonly ChildAssociation[] {
    return [...this.#installed.values()].map(({ association }) => association);
  }

  /** We have offered this SPI: the peer may send on it before its answer has made it an association. */
  async expect(inboundSpi: number): Promise<void> {
    await this.#plane.expect(inboundSpi);
  }

  /** Both keys are wiped, whatever comes of it. Throws ChildSaRefusal, DataPlaneRefusal; nothing is installed then. */
  async install({ association, inboundKey, outboundKey, useOutbound }: InstallChild): Promise<void> {
    const inbound = inboundKey.reveal((octets) => octets.slice());
    const outbound = outboundKey.reveal((octets) => octets.slice());
    inboundKey.wipe();
    outboundKey.wipe();
    try {
      const protection = this.#accept(association);
      await this.#forgetLingering(association.inboundSpi);
      const [receiving, sending] = [
        associationParameters('inbound', association, inbound, protection),
        associationParameters('outbound', association, outbound, protection),
      ];
      const remote = remoteOf(protection.tunnelId, association);
      if (useOutbound) await this.#plane.install([receiving, sending], remote);
      else await this.#plane.install([receiving]);
      const waiting = useOutbound ? undefined : sending;
      const directly = isNative(association, protection);
      this.#installed.set(association.inboundSpi, { association, protection, waiting, directly });
      if (useOutbound) this.#remotes.set(protection.tunnelId, remote);
    } catch (error) {
      inbound.fill(0);
      outbound.fill(0);
      throw error;
    }
  }

  /** Traffic moves to this Child SA. */
  async useOutbound(inboundSpi: number): Promise<void> {
    const child = this.#installed.get(inboundSpi);
    if (child?.waiting === undefined) return;
    const parameters = child.waiting;
    child.waiting = undefined;
    const { tunnelId } = child.protection;
    const remote = remoteOf(tunnelId, child.association);
    this.#remotes.set(tunnelId, remote);
    await this.#plane.install([parameters], remote);
  }

  /** Nothing goes out through it any more; what arrives on it is still accepted. */
  async retire(inboundSpi: number): Promise<void> {
    const child = this.#installed.get(inboundSpi);
    if (child === undefined) return;
    child.waiting?.keyingMaterial.fill(0);
    child.waiting = undefined;
    await this.#plane.remove([], [{ tunnelId: child.protection.tunnelId, spi: child.association.outboundSpi }]);
  }

  /**
   * Packets of a Child SA go elsewhere from now on, and in nothing else does it change: the associations in the packet path
   * keep their keys, sequence numbers and replay windows (RFC 4555 section 3.5). One that goes directly on IP goes in UDP while
   * nobody knows whether there is a NAT on the new path, and as before when there is none. False when it cannot move: see
   * `canMove`. Such a Child SA stays as it is, and is to be replaced.
   */
  async move(association: ChildAssociation): Promise<boolean> {
    const child = this.#installed.get(association.inboundSpi);
    if (child === undefined) return true;
    if (!canMove(child, association)) return false;
    child.association = association;
    const { tunnelId } = child.protection;
    const travel = travelOf('outbound', association, child.protection);
    // One that waits goes there when it is put to use.
    if (child.waiting !== undefined) {
      const { outer: _, pathMtu: __, ...waiting } = child.waiting;
      child.waiting = { ...waiting, ...travel };
      return true;
    }
    const remote = remoteOf(tunnelId, association);
    this.#remotes.set(tunnelId, remote);
    // In this order: what is to go in UDP from now on goes to where the peer is now.
    await this.#plane.redirect(remote);
    if (child.directly) await this.#plane.move({ tunnelId, spi: association.outboundSpi }, travel);
    return true;
  }

  /** Says again where the peers are, after the policies were loaded anew. */
  async reassert(): Promise<void> {
    for (const remote of [...this.#remotes.values()]) await this.#plane.redirect(remote);
  }

  async remove(inboundSpi: number): Promise<void> {
    const child = this.#installed.get(inboundSpi);
    if (child === undefined) return;
    this.#installed.delete(inboundSpi);
    child.waiting?.keyingMaterial.fill(0);
    const { tunnelId } = child.protection;
    const replaced = [...this.#installed.values()].some((other) => other.protection.tunnelId === tunnelId);
    if (replaced) this.#linger(inboundSpi, tunnelId);
    else this.#remotes.delete(tunnelId);
    await this.#plane.remove(replaced ? [] : [inboundSpi], [{ tunnelId, spi: child.association.outboundSpi }]);
  }

  /**
   * Nothing of the tunnel goes out or is accepted any more: its peer is not believed, and need not agree. What the engine says
   * later of these Child SAs is about nothing that is here.
   */
  async drop(tunnelId: string): Promise<void> {
    const children = [...this.#installed].filter(([, { protection }]) => protection.tunnelId === tunnelId);
    for (const [inboundSpi, { waiting }] of children) {
      this.#installed.delete(inboundSpi);
      waiting?.keyingMaterial.fill(0);
    }
    const lingering = [...this.#lingering].filter(([, one]) => one.tunnelId === tunnelId);
    for (const [spi, { cancel }] of lingering) {
      cancel();
      this.#lingering.delete(spi);
    }
    this.#remotes.delete(tunnelId);
    const inbound = [...children, ...lingering].map(([spi]) => spi);
    const outbound = children.map(([, { association }]) => ({ tunnelId, spi: association.outboundSpi }));
    if (inbound.length > 0) await this.#plane.remove(inbound, outbound);
  }

  /** Removes what lingers, at once. */
  async close(): Promise<void> {
    for (const spi of [...this.#lingering.keys()]) await this.#forgetLingering(spi);
  }

  #accept(association: ChildAssociation): ChildProtection {
    const protection = this.#protectionOf(association);
    if (protection === undefined) {
      throw new ChildSaRefusal('unknown_tunnel', `no tunnel of this edge is called ${association.child}`);
    }
    if (association.encapsulate && association.suite.protocol === 'ah') {
      throw new ChildSaRefusal(
        'ah_behind_nat',
        'a NAT is on the path, and AH covers the addresses that it changes (RFC 3715 section 2.1): use ESP',
      );
    }
    if (association.encapsulate && association.mode === 'transport') {
      throw new ChildSaRefusal(
        'transport_behind_nat',
        'a NAT is on the path, and transport mode would carry checksums over the addresses that it changes: use tunnel mode',
      );
    }
    if (association.mode !== protection.mode) {
      throw new ChildSaRefusal(
        'other_mode',
        `the Child SA is in ${association.mode} mode, and the tunnel has ${protection.mode} mode (RFC 7296 section 1.3.1)`,
      );
    }
    return protection;
  }

  #linger(spi: number, tunnelId: string): void {
    const cancel = this.#after(LINGER, () => {
      this.#lingering.delete(spi);
      void this.#plane.remove([spi], []).catch((error: unknown) => this.#onRemovalFailure(spi, error));
    });
    this.#lingering.set(spi, { tunnelId, cancel });
  }

  async #forgetLingering(spi: number): Promise<void> {
    const lingering = this.#lingering.get(spi);
    if (lingering === undefined) return;
    lingering.cancel();
    this.#lingering.delete(spi);
    await this.#plane.remove([spi], []);
  }
}

type InstallChild = Extract<IkeOutput, { kind: 'install-child' }>;

interface InstalledChild {
  association: ChildAssociation;
  readonly protection: ChildProtection;
  /** Whether it was installed to go directly on IP: both ends listen to that then. */
  readonly directly: boolean;
  /** The outbound half, until traffic may move to it. */
  waiting: SecurityAssociationParameters | undefined;
}

/**
 * Whether packets of a Child SA can go the way that it has now, without anything else of it being another. Those in UDP go
 * anywhere, but not on IP, to which the peer need not listen yet. Those on IP keep the family of their addresses, AH has no
 * other way, and in transport mode they are the packets of the hosts themselves.
 */
function canMove({ association: before, protection, directly }: InstalledChild, after: ChildAssociation): boolean {
  const goesDirectly = isNative(after, protection);
  if (!directly) return !goesDirectly;
  if (before.mode === 'transport' || (before.suite.protocol === 'ah' && !goesDirectly)) return false;
  const family = before.remoteEndpoint.address.length;
  return [after.localEndpoint, after.remoteEndpoint].every(({ address }) => address.length === family);
}

/** ESP in UDP goes to the port of IKE, but never to 500 (RFC 3948 section 2.1 has no marker there). */
function remoteOf(tunnelId: string, { localEndpoint, remoteEndpoint }: ChildAssociation): TunnelRemote {
  const { address, port } = remoteEndpoint;
  const socketAddress = encodeSocketAddress({ address, port: port === IKE_PORT ? NAT_PORT : port });
  return { tunnelId, socketAddress, local: localEndpoint.address };
}

/** What is under way on the longest path we care for. */
const LINGER = 5000;
const IKE_PORT = 500;
const NAT_PORT = 4500;
