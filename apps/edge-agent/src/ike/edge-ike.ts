import type { KeyObject } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import type { LifetimeEvent, Secret } from '@weft/ipsec-core';
import { type Connection, type Endpoint, IkeEngine, type IkeEvent, type KeyExchangeJob } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { returnFreedMemory, type UdpSocket } from '@weft/linux-io';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { DataPlaneControl } from '../dataplane/data-plane-control.js';
import type { Identity } from '../identity/identity.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { protectionOf } from './child-protection.js';
import { ChildSaInstaller, type ChildSaPlane } from './child-sa-installer.js';
import { runJob } from './credentials/job-runner.js';
import { type OwnCredentials, ownCredentials } from './edge-credentials.js';
import { type EdgeNegotiation, EndedNegotiations } from './edge-negotiation.js';
import { fabricConnections } from './fabric-connections.js';
import { IdleWatch } from './idle-watch.js';
import { IkeHost } from './ike-host.js';
import { IkeJournal } from './ike-journal.js';
import { IkeSockets } from './ike-sockets.js';
import { KeyExchangeThreads } from './key-exchange/key-exchange-threads.js';
import type { NegotiationState, TunnelNegotiation } from './negotiation-state.js';
import { OwnUplinks } from './own-uplinks.js';
import { PeerBeliefs } from './peer-beliefs.js';
import { isBetweenTheSame } from './same-ends.js';
import { startOf, type TunnelStart } from './tunnel-start.js';
import { WantedTunnels } from './wanted-tunnels.js';

/** What the IKE of an edge is made from. */
export interface EdgeIkeParts {
  readonly identity: Identity;
  readonly plane: ChildSaPlane & Pick<DataPlaneControl, 'snapshot'>;
  readonly log: Log;
  /** At least 32 octets that survive a restart. */
  readonly crashDetectionSecret: Secret;
  /** In 0..1. */
  readonly random: () => number;
}

/**
 * IKEv2 of this edge: keeps one IKE SA and one Child SA per tunnel of the bundle in force that the edges key themselves,
 * and makes anew what is lost, with growing pauses. It needs no controller once it has a bundle.
 */
export class EdgeIke {
  readonly #parts: EdgeIkeParts;
  readonly #sockets = new IkeSockets();
  /** What they leave behind, a tenth of the agent's memory, the C library would keep. */
  readonly #keyExchange = new KeyExchangeThreads({ rested: returnFreedMemory });
  readonly #host: IkeHost;
  readonly #children: ChildSaInstaller;
  readonly #tunnels: WantedTunnels;
  readonly #ended = new EndedNegotiations();
  readonly #idle: IdleWatch;
  readonly #beliefs = new PeerBeliefs();
  readonly #uplinks = new OwnUplinks(this.#sockets);
  readonly #journal: IkeJournal;
  #own: OwnCredentials;
  /** Of the credential that is shown now, and of the one before, which a negotiation may have begun with. */
  #keys: ReadonlyMap<string, KeyObject>;
  /** The bundle in force; undefined while another is put into force, and before the first. */
  #bundle: VerifiedBundle | undefined;
  /** Messages that came before there was a bundle: nobody is known yet. */
  #early = 0;
  /** IKE SAs that are still to be deleted before the edge stops, and whom to tell when none is left. */
  #open = new Set<string>();
  #drained: (() => void) | undefined;

  constructor(parts: EdgeIkeParts) {
    this.#parts = parts;
    const { identity, plane, log } = parts;
    this.#journal = new IkeJournal(log);
    this.#own = ownCredentials(identity);
    this.#keys = new Map([[this.#own.shown.credential.name, this.#own.key]]);
    const keyExchange = (job: KeyExchangeJob) => this.#keyExchange.run(job);
    const means = {
      keyOf: (credential: string) => this.#keys.get(credential),
      trustOf: (tunnelId: string) => this.#beliefs.trust(tunnelId, this.#own.anchors),
      believed: (tunnelId: string, serialNumber: string) => this.#beliefs.believe(tunnelId, serialNumber),
      wallClock: () => Date.now(),
      keyExchange,
    };
    this.#tunnels = new WantedTunnels({
      attempt: (tunnelId, wants) => this.#attempt(tunnelId, wants),
      clock: () => performance.now(),
      after,
      random: parts.random,
    });
    this.#idle = new IdleWatch({
      carried: async () => (await plane.snapshot()).tunnels,
      allowed: () => this.#allowedIdle(),
      end: (tunnelId) => this.#endIdle(tunnelId),
      onTrouble: (error) => log.warn({ reason: messageOf(error) }, 'whether tunnels are idle is not known'),
      clock: () => performance.now(),
      after,
    });
    this.#children = new ChildSaInstaller(
      plane,
      ({ child }) => this.#tunnels.get(child)?.protection,
      after,
      (inboundSpi, error) =>
        log.warn({ inboundSpi, reason: messageOf(error) }, 'a Child SA that was replaced is still in the packet path'),
    );
    this.#host = new IkeHost({
      engine: new IkeEngine({
        provider: nodeCryptoProvider,
        keyExchange: nodeKeyExchange,
        random: nodeRandom(),
        connections: [],
        crashDetectionSecret: parts.crashDetectionSecret,
      }),
      transport: this.#sockets,
      children: this.#children,
      runJob: (job) => runJob(job, means),
      clock: () => performance.now(),
      after,
      onEvent: (event) => this.#take(event),
      onInstallFailure: (inboundSpi, error) =>
        log.error({ inboundSpi, reason: messageOf(error) }, 'the packet path refused a Child SA, which is deleted'),
      onFault: (error) => log.error({ err: error }, 'fault of the IKE engine: please report this'),
    });
  }

  /** An IKE message that came to an underlay socket: the preferred one, unless it is said. */
  receive(octets: Uint8Array, source: Endpoint, local = this.#uplinks.preferred): void {
    if (this.#uplinks.preferred === undefined || local === undefined) this.#early++;
    else this.#sockets.receiveEncapsulated(local, octets, source);
  }

  /**
   * The tunnels of the bundle in force, the socket of its underlay, and those of its other uplinks. What stays as it is is not touched; what is new
   * is negotiated, and what is gone is deleted, here and at the peer.
   */
  async apply(bundle: VerifiedBundle, socket: UdpSocket, others: readonly UdpSocket[] = []): Promise<void> {
    this.#bundle = undefined;
    const provesTheSame = this.#beliefs.use(bundle);
    const configured = { address: bundle.underlay.octets, port: bundle.underlay.port };
    // A Delete must still leave by the old socket when the underlay changes.
    const kept = fabricConnections(bundle, this.#own.shown).filter(
      (connection) => this.#stays(connection, configured) && provesTheSame(connection.name),
    );
    // What is installed from now on is as the new bundle says.
    for (const connection of kept)
      this.#tunnels.want(connection, protectionOf(bundle, connection), startOf(bundle, connection.name));
    this.#host.give({ kind: 'configure', connections: kept });
    const refused = this.#beliefs.refused();
    this.#forgetAllBut(new Set(kept.map(({ name }) => name)));
    await this.#host.settled();
    // Its Delete may never be answered: a peer that is not believed has no say in it.
    for (const tunnelId of refused) await this.#children.drop(tunnelId);
    // The old socket is about to be closed, and its descriptor may soon be another file's.
    this.#uplinks.leave();
    this.#uplinks.use(socket, others);
    this.#bundle = bundle;
    this.#configure(bundle);
    // The policies came with the addresses of the bundle; a peer may have been found elsewhere.
    await this.#children.reassert();
  }

  /**
   * The edge shows another certificate, or believes others, from the next IKE SA on. IKE SAs and Child SAs that there are go on
   * and are rekeyed as before: RFC 7296 section 2.8.3 leaves it to either end when it authenticates anew.
   */
  useIdentity(identity: Identity): void {
    const before = this.#own;
    this.#own = ownCredentials(identity);
    this.#keys = new Map([before, this.#own].map(({ shown, key }) => [shown.credential.name, key]));
    // A bundle that is being put into force ends with what is shown then.
    if (this.#bundle !== undefined) this.#configure(this.#bundle);
  }

  /** The underlay is at another address of this machine: IKE SAs and Child SAs move there with all they have (RFC 4555). */
  move(socket: UdpSocket): void {
    const before = this.#uplinks.preferred;
    this.#uplinks.use(socket, []);
    this.#tellAddress(this.#tunnels.all().map(({ connection }) => connection));
    if (before !== undefined) this.#sockets.closeAddress(before.address);
  }

  /** The machine has these addresses now: of the uplinks, IKE SAs use those. What they leave or come back to is theirs to find out. */
  found(addresses: readonly Uint8Array[]): void {
    if (this.#uplinks.found(addresses)) this.#tellAddress(this.#tunnels.all().map(({ connection }) => connection));
  }

  /** How each came there: its negotiations with their histories, in milliseconds of `performance.now()`. */
  negotiations(): ReadonlyMap<string, readonly EdgeNegotiation[]> {
    return this.#ended.with(this.#host.engine.negotiations());
  }

  /** IKE messages that were lost here or refused, by reason. */
  drops(): readonly { readonly reason: string; readonly packets: bigint }[] {
    const all = new Map<string, number>([...this.#host.drops(), ['before_first_bundle', this.#early]]);
    return [...all].flatMap(([reason, count]) =>
      count === 0 ? [] : [{ reason: `ike_${reason}`, packets: BigInt(count) }],
    );
  }

  /** How the tunnels that this edge keys itself stand, by tunnel id. */
  states(): ReadonlyMap<string, TunnelNegotiation> {
    const paths = new Map(this.#host.engine.establishedPaths().map((path) => [path.connection, path]));
    return new Map(
      this.#tunnels.all().map(({ connection: { name }, state, start }) => [
        name,
        {
          ...state,
          path: state.established ? paths.get(name) : undefined,
          waitsFor: waitsFor(start, state),
        },
      ]),
    );
  }

  /** Packets of these tunnels find no Child SA: what is missing is asked for now, not when the pause after a failure ends. */
  wanted(tunnelIds: readonly string[]): void {
    for (const tunnelId of tunnelIds) this.#tunnels.hurry(tunnelId);
  }

  /**
   * ESP came on an SPI that is not ours: its sender may have SAs that we lost. With an IKE SA it is told so (RFC 7296 section
   * 1.5), without one a new one is begun.
   */
  unknownSpi(spi: number, source: Endpoint): void {
    const local = this.#uplinks.preferred;
    if (local === undefined) return;
    this.#host.give({ kind: 'unknown-spi', local, remote: source, spi });
    this.#tunnels.hurryPeer(source);
  }

  /** An association of the packet path came to the end of its life. @returns false when it is none of ours. */
  lifetimeEnded({ kind, direction, spi }: LifetimeEvent): boolean {
    const child = this.#children
      .associations()
      .find(({ inboundSpi, outboundSpi }) => spi === (direction === 'inbound' ? inboundSpi : outboundSpi));
    if (child === undefined) return false;
    this.#host.give({ kind: kind === 'soft' ? 'rekey-child' : 'delete-child', inboundSpi: child.inboundSpi });
    return true;
  }

  /** The first packet came on these: the peers have their ends of them. */
  inboundUsed(inboundSpis: readonly number[]): void {
    for (const inboundSpi of inboundSpis) this.#host.give({ kind: 'inbound-used', inboundSpi });
  }

  /** Deletes all IKE SAs and waits a moment for the peers to take note. */
  async stop(): Promise<void> {
    this.#idle.stop();
    const open = this.#tunnels.all().filter(({ state }) => state.established);
    this.#forgetAllBut(new Set());
    if (open.length > 0) {
      const drained = new Promise<void>((resolve) => {
        const giveUp = setTimeout(resolve, FAREWELL);
        this.#drained = () => {
          clearTimeout(giveUp);
          resolve();
        };
      });
      this.#open = new Set(open.map(({ connection }) => connection.name));
      this.#host.give({ kind: 'configure', connections: [] });
      await drained;
    }
    this.#host.stop();
    await this.#children.close();
    await this.#keyExchange.close();
    this.#sockets.close();
  }

  #configure(bundle: VerifiedBundle): void {
    const connections = fabricConnections(bundle, this.#own.shown);
    this.#host.give({ kind: 'configure', connections });
    this.#tellAddress(connections);
    if (connections.length > 0) this.#keyExchange.start();
    for (const connection of connections)
      this.#tunnels.want(connection, protectionOf(bundle, connection), startOf(bundle, connection.name));
    if (this.#tunnels.all().some(({ start }) => start.kind === 'trap')) this.#idle.start();
  }

  /** What may be idle is watched for as long as the edge runs: another bundle may have what this one has not. */
  #allowedIdle(): ReadonlyMap<string, number> {
    return new Map(
      this.#tunnels
        .all()
        .flatMap(({ connection, start, state }) =>
          start.kind === 'trap' && start.idle !== undefined && state.established ? [[connection.name, start.idle]] : [],
        ),
    );
  }

  #endIdle(tunnelId: string): void {
    this.#parts.log.info({ tunnelId }, 'nothing passes: the tunnel ends until there is traffic for it');
    this.#host.give({ kind: 'delete-ike', connection: tunnelId });
  }

  #tellAddress(connections: readonly Connection[]): void {
    const addresses = this.#uplinks.addresses();
    for (const { name } of connections) this.#host.give({ kind: 'local-addresses', connection: name, addresses });
  }

  #take(event: IkeEvent): void {
    if (event.kind === 'stranger-refused') {
      this.#journal.event(event, undefined);
      return;
    }
    this.#journal.event(event, this.#tunnels.get(event.connection)?.start);
    this.#ended.take(event);
    if (event.kind === 'ike-closed' || event.kind === 'ike-failed') {
      this.#open.delete(event.connection);
      if (this.#open.size === 0) this.#drained?.();
    }
    const change = this.#tunnels.take(event);
    if (change !== undefined) this.#journal.change(event.connection, change.before, change.now);
  }

  #stays(next: Connection, local: Endpoint): boolean {
    const known = this.#tunnels.get(next.name)?.connection;
    if (known === undefined || !isBetweenTheSame(known, { ...next, local })) return false;
    // A rekey replaces an association by one of the same protocol (RFC 7296 section 1.3.3), and may be far: who says ESP from now
    // on, another mode or another suite, does not want to wait for it.
    if (!isDeepStrictEqual(formOf(known), formOf(next))) return false;
    // Who has proved itself with what is not believed any more must do it anew.
    return !this.#beliefs.isRefused(next.name);
  }

  #forgetAllBut(kept: ReadonlySet<string>): void {
    for (const tunnelId of this.#tunnels.keepOnly(kept)) {
      this.#ended.forget(tunnelId);
      this.#beliefs.forget(tunnelId);
    }
  }

  #attempt(tunnelId: string, wants: 'ike' | 'child'): void {
    if (wants === 'ike') this.#host.give({ kind: 'initiate', connection: tunnelId });
    else this.#host.give({ kind: 'initiate-child', connection: tunnelId, child: tunnelId });
  }
}

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

/** What packets of the Child SA of a connection look like, and what is offered for it and for the IKE SA. */
function formOf({ proposals, children }: Connection) {
  return [proposals, ...children.map((child) => [child.protocol ?? 'esp', child.mode, child.proposals])];
}

function waitsFor(start: TunnelStart, { established, failure }: NegotiationState): TunnelNegotiation['waitsFor'] {
  if (established || failure !== undefined || start.kind === 'at_once') return undefined;
  return start.kind === 'trap' ? 'traffic' : 'host';
}

/** How long a parting edge waits for its peers' answers. */
const FAREWELL = 2000;
