import type {
  AssociationPath,
  AssociationSnapshot,
  Carrier,
  Explanation,
  LifetimeEvent,
  LivenessNews,
  PathMessage,
  PolicyCounters,
  SecurityAssociationParameters,
  SecurityPolicy,
  TravelParameters,
  TunnelCounters,
  UnprotectedIcmpOutcome,
} from '@weft/ipsec-core';
import type { Endpoint, TunOffloads } from '@weft/linux-io';
import type { TunnelGroup } from '../control/bundle/verified-bundle.js';
import type { RedundantGroup } from '../redundancy/redundant-tunnels.js';
import type { HandoverStart } from './handover.js';
import type { NamedCounters } from './shared-counters.js';
import type { UnderlayErrorReason } from './underlay-error-reason.js';

/** What the worker is started with. Descriptors belong to the main thread, which opened them and will close them. */
export interface WorkerStart {
  readonly device: string;
  /** Of the queue of the device that this worker reads, and of what it writes to. */
  readonly tunFd: number;
  readonly tunWriteFd: number;
  readonly tunOffloads: TunOffloads;
  /** Use nothing that this kernel or this Node may lack, even where they have it. */
  readonly portable: boolean;
  /** Whether peers are asked what their paths carry, and answered. */
  readonly pathProbing: boolean;
  readonly wakeUpFd: number;
  /** Absent: there are no other workers. */
  readonly handover: HandoverStart | undefined;
  /** Of a WorkerMemory. */
  readonly memory: SharedArrayBuffer;
  /** Firewall mark of the packets that the thread's own sockets send; undefined: none. */
  readonly mark: number | undefined;
  /** IKE messages on their way to the main thread: one 32-bit counter. Absent: nobody there speaks IKE. */
  readonly ikeBacklog: SharedArrayBuffer | undefined;
}

/** Policies, peers and the socket of one bundle; takes the place of the last as a whole. */
export interface LoadedPolicies {
  readonly contentHash: string;
  /** Of the underlay: one for each worker. */
  readonly socketFds: readonly number[];
  /** Of the other uplinks, the same of each; absent: there is one. */
  readonly otherSocketFds?: readonly (readonly number[])[];
  readonly policies: readonly SecurityPolicy[];
  /** Where packets of entries go that name no tunnel. */
  readonly carriers: readonly Carrier[];
  /** Associations of other tunnels are removed. */
  readonly tunnels: readonly LoadedTunnel[];
  /** Tunnels of which any may carry the packets of an entry: their peers are asked whether they answer. */
  readonly groups: readonly TunnelGroup[];
  /** Networks that the site knows by another prefix than the fabric does. */
  readonly mappings: readonly { readonly local: string; readonly overlay: string }[];
}

/** A tunnel of a bundle. */
export interface LoadedTunnel {
  readonly tunnelId: string;
  /** Of its peer; undefined when that comes from anywhere: where it was found last, if it was. */
  readonly socketAddress: Uint8Array | undefined;
}

/** Where the packets of a tunnel go. */
export interface TunnelRemote {
  readonly tunnelId: string;
  readonly socketAddress: Uint8Array;
  /** The address of this machine that they leave from; without it, or where no uplink has it, that of the preferred uplink. */
  readonly local?: Uint8Array;
}

/** An outbound association, which only its tunnel and SPI together name. */
export interface OutboundReference {
  readonly tunnelId: string;
  readonly spi: number;
}

/** What the main thread asks for. Each is carried out as a whole or not at all. */
export type WorkerRequest =
  | {
      readonly kind: 'load';
      readonly loaded: LoadedPolicies;
      readonly socketFd: number;
      readonly otherSocketFds: readonly number[];
      /** Tunnels that packets go into, by the preferred one of their group. */
      readonly choices: ReadonlyMap<string, string>;
      /** Of every policy entry and every tunnel. */
      readonly policyCounters: NamedCounters;
      readonly tunnelCounters: NamedCounters;
    }
  | { readonly kind: 'unload' }
  /** As in `load`, for the same policies. */
  | { readonly kind: 'choose'; readonly choices: ReadonlyMap<string, string> }
  | {
      readonly kind: 'install';
      readonly associations: readonly SecurityAssociationParameters[];
      /** Of every tunnel. */
      readonly tunnelCounters: NamedCounters;
      /** Where the packets of their tunnel go from then on. */
      readonly remotes: readonly TunnelRemote[];
    }
  /** IKE has offered this SPI: what comes on it before it is installed waits for that. */
  | { readonly kind: 'expect'; readonly inboundSpi: number }
  | { readonly kind: 'remove'; readonly inbound: readonly number[]; readonly outbound: readonly OutboundReference[] }
  /** Its packets travel otherwise, and in nothing else does it change (RFC 4555 section 3.5). */
  | { readonly kind: 'move'; readonly outbound: OutboundReference; readonly travel: TravelParameters }
  /** A dummy packet goes out on it (RFC 4303 section 2.6). */
  | { readonly kind: 'announce'; readonly outbound: OutboundReference }
  /** The peer was found elsewhere than the policies say: by IKE, or behind a NAT whose mapping changed. */
  | { readonly kind: 'redirect'; readonly remote: TunnelRemote }
  /** The underlay has another address here: packets come and go by this socket, and associations stay as they are. */
  | { readonly kind: 'rebind'; readonly socketFd: number }
  /** What would become of a clear packet that came from the device; nothing is changed by asking. */
  | { readonly kind: 'explain'; readonly packet: Uint8Array }
  /** Which entries decide packets of the fabric that go out; nothing is changed by asking. */
  | { readonly kind: 'decide'; readonly packets: readonly Uint8Array[] }
  /** It has been told everything that it is to know: from now on it takes packets. */
  | { readonly kind: 'begin' }
  /** What another worker has heard about paths of tunnels that this one sends in. */
  | { readonly kind: 'paths'; readonly messages: readonly PathMessage[] }
  | { readonly kind: 'stop' };

/** A request on its way, with the number that its answer will carry. */
export interface NumberedRequest {
  readonly id: number;
  readonly request: WorkerRequest;
}

/** What a worker says to a request that it has carried out. */
export interface WorkerAnswer {
  /** To `explain`. */
  readonly explanation?: Explanation;
  /** To `decide`: of each packet. */
  readonly decisions?: readonly PolicyDecision[];
}

/** What the packet path makes of a packet. */
export interface PolicyDecision {
  /** Undefined: no entry matches. */
  readonly entryId: string | undefined;
  /** Where the packet goes, of an entry that protects. */
  readonly tunnelId: string | undefined;
}

/** What the worker tells. */
export type WorkerMessage =
  | ({ readonly kind: 'done'; readonly id: number } & WorkerAnswer)
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: WorkerRefusal }
  | { readonly kind: 'lifetime'; readonly events: readonly LifetimeEvent[] }
  /** The first packet came on these, at most EXPIRY_INTERVAL_MILLISECONDS ago. */
  | { readonly kind: 'used'; readonly inboundSpis: readonly number[] }
  | { readonly kind: 'path'; readonly report: PacketPathReport }
  /** An IKE message that came to the port of ESP in UDP, without its marker (RFC 3948 section 2.2). */
  | {
      readonly kind: 'ike';
      readonly source: Endpoint;
      readonly local: Endpoint | undefined;
      readonly octets: Uint8Array;
    }
  /** ESP came with an SPI that no association has; told of a few only. */
  | { readonly kind: 'unknown-spi'; readonly spi: number; readonly source: Endpoint }
  /** Heard about paths of tunnels that another worker sends in. */
  | { readonly kind: 'paths'; readonly messages: readonly PathMessage[] }
  /** Of tunnels of groups in which this worker sends: whose peer answers, and whose does not any more. */
  | { readonly kind: 'liveness'; readonly news: readonly LivenessNews[] }
  /** The overlay device is no more. */
  | { readonly kind: 'device-gone' }
  /** Packets of these tunnels find no association. */
  | { readonly kind: 'acquire'; readonly tunnelIds: readonly string[] };

/** Which of the faster ways the packet path found, and why not the others. */
export interface PacketPathReport {
  /** Name of the crypto provider. */
  readonly crypto: string;
  /** Why OpenSSL is not called directly; absent when it is. */
  readonly cryptoReason?: string;
  readonly device: TunOffloads;
  /** Runs of datagrams in one message to (UDP_SEGMENT) and from (UDP_GRO) the underlay. */
  readonly underlay: { readonly send: boolean; readonly receive: boolean };
}

/** Why the engine did not take something. `path` is within the request: `policies[3].selector`, `associations[0]`. */
export interface WorkerRefusal {
  readonly path: string;
  readonly code: string;
  readonly reason: string;
}

/** An association as the main thread knows it. */
export interface InstalledAssociation extends Omit<AssociationSnapshot, 'pathMtu'> {
  /** Outbound: what its path carries, and what is left of that. */
  readonly path: AssociationPath | undefined;
}

/** Everything that the data plane counts, at one moment. */
export interface DataPlaneSnapshot {
  /** Milliseconds of the clock that the counters' times are given in. */
  readonly now: number;
  readonly contentHash: string | undefined;
  readonly associations: readonly InstalledAssociation[];
  readonly tunnels: readonly CountedTunnel[];
  /** Tunnels of which several may carry the same packets, and which of them does. */
  readonly groups: readonly RedundantGroup[];
  readonly policies: readonly PolicyCounters[];
  /** The engine's reasons and those of the devices around it; only what happened. */
  readonly drops: readonly { readonly reason: string; readonly packets: bigint }[];
  /** What the underlay said about packets of ours; only what happened. */
  readonly underlayErrors: readonly { readonly reason: UnderlayErrorReason; readonly messages: bigint }[];
  /** What the engine made of "too big", and only what happened. */
  readonly pathMtuMessages: readonly { readonly outcome: UnprotectedIcmpOutcome; readonly messages: bigint }[];
  /** NAT keepalives received (RFC 3948 section 2.3): no loss. */
  readonly keepalives: bigint;
  readonly workers: readonly WorkerSnapshot[];
}

/** A tunnel with what it has carried. */
export interface CountedTunnel extends TunnelCounters {
  /** Times that an association that sends was replaced by another, whoever made the keys. */
  readonly rekeys: bigint;
}

/** One thread of the packet path. */
export interface WorkerSnapshot {
  /** Changes as long as it moves. */
  readonly heartbeat: number;
  /** How often it was replaced because it ended or stalled. */
  readonly replacements: number;
  /** Packets that it has read from its queue of the device, and of those, what it has passed on to the one whose they were. */
  readonly fromDevice: number;
  readonly passedOn: number;
  /** Of its time, since the agent started: when it had something to do, and when it waited for that. */
  readonly busyMilliseconds: number;
  readonly idleMilliseconds: number;
  /** Packets that it has protected, and opened. */
  readonly outboundPackets: bigint;
  readonly inboundPackets: bigint;
}
