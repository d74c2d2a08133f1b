import type { LifetimeEvent, SecurityAssociationParameters, TravelParameters } from '@weft/ipsec-core';
import type { Endpoint } from '@weft/linux-io';
import type { TunnelMove } from '../redundancy/redundant-tunnels.js';
import type {
  DataPlaneSnapshot,
  LoadedPolicies,
  OutboundReference,
  PacketPathReport,
  PolicyDecision,
  TunnelRemote,
} from './messages.js';
import type { DataPlaneError } from './plane-error.js';
import type { WorkerReplacement } from './worker-keeper.js';

/** The packet path as the rest of the agent sees it. */
export interface DataPlaneControl {
  /** Throws DataPlaneRefusal when the engine does not take the policies; the old ones then stay. */
  load(policies: LoadedPolicies): Promise<void>;
  unload(): Promise<void>;
  /** All or none. The keying material is taken over: it is gone here afterwards. Throws DataPlaneRefusal. */
  install(associations: readonly SecurityAssociationParameters[], remote?: TunnelRemote): Promise<void>;
  /** Packets that come on this SPI before it is installed wait for that, some seconds. */
  expect(inboundSpi: number): Promise<void>;
  remove(inbound: readonly number[], outbound: readonly OutboundReference[]): Promise<void>;
  /**
   * Packets of an association travel otherwise from now on; key, sequence numbers and counters go on. What it needs of the
   * machine is there from its installation: only one that was installed to go directly on IP may do so. One that is gone
   * is no error.
   */
  move(outbound: OutboundReference, travel: TravelParameters): Promise<void>;
  /**
   * Sends a dummy packet (RFC 4303 section 2.6) on an association, whether it carries traffic or not: the peer sees that it is used. It
   * may be lost like any packet; of one that is gone nothing is sent.
   */
  announce(outbound: OutboundReference): Promise<void>;
  /** Sends the packets of a tunnel to this address from now on. */
  redirect(remote: TunnelRemote): Promise<void>;
  /** Other sockets for the underlay, one for each worker; associations go on as they are. The old ones may then be closed. */
  rebind(socketFds: readonly number[]): Promise<void>;
  /** Which entries decide packets of the fabric that go out, by each worker. Nothing is changed by asking. */
  decide(packets: readonly Uint8Array[]): Promise<readonly (readonly PolicyDecision[])[]>;
  /** From memory that the workers share with this thread: none of them is asked. */
  snapshot(): Promise<DataPlaneSnapshot>;
}

/** What the packet path tells unasked. */
export interface DataPlaneEvents {
  readonly lifetime: (events: readonly LifetimeEvent[]) => void;
  /** The first packet came on these inbound associations: the peer sends on them. */
  readonly used?: (inboundSpis: readonly number[]) => void;
  /** A worker ended or stalled: packets that it would move go nowhere until it is replaced. */
  readonly replacing?: (replacement: WorkerReplacement) => void;
  /** It was: it has all policies and associations, and packets pass again. */
  readonly replaced?: () => void;
  /** A worker or the device is gone and cannot be replaced: packets no longer flow. */
  readonly died: (error: DataPlaneError) => void;
  /** Told once the underlay is bound, and again when it changes: which of the faster ways are in use. */
  readonly path?: (report: PacketPathReport) => void;
  /** An IKE message came to the port of ESP in UDP; its marker is off. Without this, such messages are dropped. */
  readonly ike?: (octets: Uint8Array, source: Endpoint, local: Endpoint | undefined) => void;
  /** ESP came with an SPI that no association has (RFC 7296 section 1.5): told of a few of such packets. */
  readonly unknownSpi?: (spi: number, source: Endpoint) => void;
  /** Packets of these tunnels find no association: told once in a while, as long as they come. */
  readonly acquire?: (tunnelIds: readonly string[]) => void;
  /** Packets for a site go to another edge of it. */
  readonly moved?: (move: TunnelMove) => void;
}

/** How the packet path is to work. */
export interface DataPlaneOptions {
  /** Use nothing that this kernel or this Node may lack, even where they have it. The device must be a plain one then. */
  readonly portable?: boolean;
  /** What the threads run, when it is not the packet path itself. */
  readonly module?: URL;
  /** Firewall mark of the packets that the thread's own sockets send, for a routing rule to know them by. */
  readonly mark?: number;
  /** Whether peers are asked what their paths carry, and answered (RFC 8899). False by default. */
  readonly pathProbing?: boolean;
}
