import { type Endpoint, encodeSocketAddress, SystemCallError, type UdpSocket } from '@weft/linux-io';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import type { OverlayNetwork } from '../network/overlay-network.js';
import { siteNetworks } from './bundle/parse-network-mappings.js';
import type { OverlayPrefix, UnderlayAddress, VerifiedBundle } from './bundle/verified-bundle.js';
import { takeNetworkStep } from './network-steps.js';
import { policyProbes, wrongDecision } from './policy-probe.js';
import type { Command, DesiredUnderlay, SystemState } from './reconciler.js';

/** What a bundle is installed on. */
export interface SystemParts {
  readonly network: OverlayNetwork;
  readonly dataPlane: DataPlaneControl;
  /** One socket for each worker of the packet path, all on this address and port. */
  readonly openSockets: (endpoint: Endpoint, options: { readonly mayLackAddress: boolean }) => readonly UdpSocket[];
  /** Where this machine is when it is not at the address of its bundle; undefined when it does not know. */
  readonly elsewhere?: (configured: Uint8Array, localNetworks: readonly OverlayPrefix[]) => Uint8Array | undefined;
}

/** The machine as it is, and what a bundle's wishes depend on. */
export interface ObservedState extends SystemState {
  /** Networks that the machine is on, the overlay's device aside. */
  readonly connected: ReadonlySet<string>;
}

/** The machine: says how it is, and takes one step at a time. Never remembers what it can ask. */
export class System {
  readonly #parts: SystemParts;
  /** Open ones by where a bundle wants them: of the one in force, and of one that is put into force or that is gone back from. */
  readonly #sockets = new Map<string, readonly UdpSocket[]>();
  #current: BoundSocket | undefined;
  /** Where the underlay was. */
  readonly #left: UdpSocket[] = [];

  constructor(parts: SystemParts) {
    this.#parts = parts;
  }

  /** Reads the state back from the kernel and the socket, and which policies the workers were last told to hold. */
  async observe(): Promise<ObservedState> {
    const [kernel, snapshot] = await Promise.all([this.#parts.network.read(), this.#parts.dataPlane.snapshot()]);
    return { ...kernel, underlay: this.#boundUnderlay(), contentHash: snapshot.contentHash };
  }

  /** What the packet path decides otherwise than the policies of a bundle say, in words; undefined: nothing. */
  async wrongDecision({ policies, carriers }: VerifiedBundle): Promise<string | undefined> {
    const probes = policyProbes(policies, carriers);
    const workers = await this.#parts.dataPlane.decide(probes.map(({ packet }) => packet));
    return workers.map((decisions) => wrongDecision(probes, decisions)).find((wrong) => wrong !== undefined);
  }

  /** Carries out a command. `bundles` holds those whose policies a command may name. */
  async execute(command: Command, bundles: ReadonlyMap<string, VerifiedBundle>): Promise<void> {
    const { network, dataPlane } = this.#parts;
    switch (command.kind) {
      case 'bind_underlay':
        this.#bind(command.underlay, bundles.get(command.contentHash ?? ''));
        return;
      case 'unload_policies':
        return dataPlane.unload();
      case 'load_policies':
        return this.#load(bundles.get(command.contentHash));
      default:
        return takeNetworkStep(network, command);
    }
  }

  /** The socket of the bundle in force to send from. */
  get underlaySocket(): UdpSocket {
    const socket = this.#current?.sockets[0];
    if (socket === undefined) throw new Error('no underlay is bound');
    return socket;
  }

  /** Those of its other uplinks, preferred first. */
  get otherSockets(): readonly UdpSocket[] {
    return (this.#current?.others ?? []).flatMap((sockets) => sockets.slice(0, 1));
  }

  /**
   * The underlay of the bundle in force is at this address of the machine, whatever the bundle says. Associations go on as
   * they are. Throws SystemCallError: EADDRNOTAVAIL and what else bind(2) says; the old sockets then stay.
   */
  async moveUnderlay(address: Uint8Array): Promise<void> {
    const before = this.#current;
    if (before === undefined) throw new Error('no underlay is bound');
    const { underlay } = before;
    const sockets = this.#parts.openSockets({ address, port: underlay.port }, { mayLackAddress: false });
    const bound = { underlay, address, sockets, others: before.others };
    try {
      await this.#parts.dataPlane.rebind(bound.sockets.map(({ fd }) => fd));
    } catch (error) {
      closeAll(bound.sockets);
      throw error;
    }
    this.#sockets.set(keyOf(underlay), sockets);
    this.#current = bound;
    this.#left.push(...before.sockets);
  }

  /** Closes the sockets that the packet path no longer uses. */
  releaseUnused(): void {
    closeAll(this.#left.splice(0));
    const inUse = this.#current === undefined ? [] : [this.#current.sockets, ...this.#current.others];
    for (const [key, sockets] of this.#sockets) {
      if (inUse.includes(sockets)) continue;
      this.#sockets.delete(key);
      closeAll(sockets);
    }
  }

  /** Closes all sockets. The packet path must have ended. */
  close(): void {
    this.#current = undefined;
    this.releaseUnused();
  }

  #bind(underlay: DesiredUnderlay, bundle: VerifiedBundle | undefined): void {
    const others = underlay.others ?? [];
    const mayLackAddress = others.length > 0;
    const sockets = this.#kept(underlay, () => this.#open(underlay, mayLackAddress, bundle));
    const uplinks = others.map((other) =>
      this.#kept(other, () => this.#parts.openSockets({ address: other.octets, port: other.port }, { mayLackAddress })),
    );
    this.#current = {
      underlay,
      address: sockets[0]?.localEndpoint().address ?? underlay.octets,
      sockets,
      others: uplinks,
    };
  }

  /** Back to a socket that is still open: a port can be bound only once. */
  #kept(underlay: UnderlayAddress, open: () => readonly UdpSocket[]): readonly UdpSocket[] {
    const key = keyOf(underlay);
    const sockets = this.#sockets.get(key) ?? open();
    this.#sockets.set(key, sockets);
    return sockets;
  }

  /** At the address of the bundle; or where the machine is when it has not got that one, and peers can be told. */
  #open(
    { octets, port }: UnderlayAddress,
    mayLackAddress: boolean,
    bundle: VerifiedBundle | undefined,
  ): readonly UdpSocket[] {
    const { openSockets, elsewhere } = this.#parts;
    try {
      return openSockets({ address: octets, port }, { mayLackAddress });
    } catch (error) {
      const missing = error instanceof SystemCallError && error.code === 'EADDRNOTAVAIL';
      const mayMove = missing && bundle !== undefined && negotiatesAllKeys(bundle);
      const address = mayMove ? elsewhere?.(octets, siteNetworks(bundle.localNetworks, bundle.mappings)) : undefined;
      if (address === undefined) throw error;
      return openSockets({ address, port }, { mayLackAddress });
    }
  }

  async #load(bundle: VerifiedBundle | undefined): Promise<void> {
    if (bundle === undefined || this.#current === undefined) {
      throw new Error('policies can be loaded only from a bundle at hand, and with the underlay bound');
    }
    await this.#parts.dataPlane.load({
      contentHash: bundle.contentHash,
      socketFds: this.#current.sockets.map(({ fd }) => fd),
      otherSocketFds: this.#current.others.map((sockets) => sockets.map(({ fd }) => fd)),
      policies: bundle.policies,
      carriers: bundle.carriers,
      groups: bundle.groups,
      mappings: bundle.mappings.map(({ local, overlay }) => ({ local: local.text, overlay: overlay.text })),
      tunnels: [...bundle.tunnels.values()].map(({ tunnelId, remote }) => ({
        tunnelId,
        socketAddress: remote && encodeSocketAddress({ address: remote.octets, port: remote.port }),
      })),
    });
  }

  /** The underlay as the kernel confirms it. */
  #boundUnderlay(): DesiredUnderlay | undefined {
    if (this.#current === undefined) return undefined;
    const { underlay, address, sockets } = this.#current;
    const confirmed = sockets.every((socket) => {
      const local = socket.localEndpoint();
      return local.port === underlay.port && Buffer.compare(local.address, address) === 0;
    });
    return confirmed ? underlay : undefined;
  }
}

/** Peers hear through IKE where an edge is; those that the controller gives keys to send where their bundle says. */
function negotiatesAllKeys(bundle: VerifiedBundle): boolean {
  return [...bundle.tunnels.values()].every(({ keying }) => keying.mode === 'ikev2');
}

function closeAll(sockets: readonly UdpSocket[]): void {
  for (const socket of sockets) socket.close();
}

function keyOf({ text, port }: UnderlayAddress): string {
  return `${text} ${port}`;
}

interface BoundSocket {
  /** As the bundle has it. */
  readonly underlay: DesiredUnderlay;
  /** Where it is bound. */
  readonly address: Uint8Array;
  readonly sockets: readonly UdpSocket[];
  /** Of further uplinks, preferred first. */
  readonly others: readonly (readonly UdpSocket[])[];
}
