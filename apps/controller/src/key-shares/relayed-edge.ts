import { type Bundle, KeyingMode } from '@weft/contracts/southbound';
import type { EdgeSession } from '../southbound/edge-session.js';
import { WaitingShares } from './waiting-shares.js';

/** A tunnel whose edges make the keys by messages that are relayed: both should run it so. */
export interface RelayedTunnel {
  readonly tenantId: string;
  readonly edgeIds: readonly [string, string];
}

/** A connected edge, as far as messages between edges concern it. */
export class RelayedEdge {
  /** What it has said and nobody has stored. */
  readonly waiting = new WaitingShares(WAITING_OCTETS_MAXIMUM);
  /** Tunnels of which the other end may have said something that it was not told. */
  readonly due = new Set<string>();
  /** By tunnel, the version of what it was told last in this session. */
  readonly told = new Map<string, bigint>();
  /** Under way: at most one of each. */
  storing = false;
  telling = false;
  /** The log says once for each session that it speaks of tunnels that are none. */
  saidStray = false;
  /** By tunnel, the other end, as the bundle says that it runs. */
  #peers: ReadonlyMap<string, string> = new Map();

  constructor(
    readonly session: EdgeSession,
    /** Whether its Hello offers to make keys in this way; to one that does not nothing is relayed. */
    readonly offers: boolean,
  ) {}

  /** It runs this bundle; undefined: nobody knows which. */
  runs(bundle: Bundle | undefined): void {
    const tunnels = (bundle?.tunnels ?? []).filter(
      ({ keyingMode }) => keyingMode === KeyingMode.KEYING_MODE_CONTROLLER_BLIND,
    );
    this.#peers = new Map(tunnels.map(({ tunnelId, peerEdgeId }) => [tunnelId, peerEdgeId]));
    for (const tunnelId of this.told.keys()) if (!this.#peers.has(tunnelId)) this.told.delete(tunnelId);
    for (const tunnelId of this.due) if (!this.#peers.has(tunnelId)) this.due.delete(tunnelId);
  }

  /** Tunnels that it runs in this way. */
  get tunnelIds(): Iterable<string> {
    return this.#peers.keys();
  }

  /** The other end of a tunnel that it runs in this way, and that both ends should; undefined: it is none of these. */
  peerIn(tunnelId: string, tunnel: RelayedTunnel | undefined): string | undefined {
    const peer = this.#peers.get(tunnelId);
    const ends: readonly string[] = tunnel?.tenantId === this.session.tenantId ? tunnel.edgeIds : [];
    return peer !== undefined && ends.includes(peer) && ends.includes(this.session.edgeId) ? peer : undefined;
  }
}

/** The latest of as many tunnels as a bundle may have, some 3 KiB each: reached when the database is gone and an edge talks on. */
const WAITING_OCTETS_MAXIMUM = 16 * 2 ** 20;
