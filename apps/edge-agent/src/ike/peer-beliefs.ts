import { sameExternalPeer } from '../control/bundle/parse-external-peer.js';
import type { ExternalPeer, VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { Certificate } from './credentials/certificate.js';
import type { PeerTrust } from './credentials/job-runner.js';

/** What the peers of tunnels are believed by, and which certificates they were believed by already. */
export class PeerBeliefs {
  /** Peers that are no edges, by tunnel id, as the last bundle has them. */
  #external: ReadonlyMap<string, ExternalPeer | undefined> = new Map();
  /** Certificates of peers that are not believed any more, by tunnel id. */
  #refused: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  /** Certificates that IKE SAs of a tunnel were authenticated with since it was last made from nothing. */
  readonly #believed = new Map<string, Set<string>>();

  /** Takes over what a bundle says. @returns whether the peer of a tunnel is to prove the same as before */
  use(bundle: VerifiedBundle): (tunnelId: string) => boolean {
    const before = this.#external;
    const now = new Map([...bundle.tunnels].map(([tunnelId, { external }]) => [tunnelId, external]));
    this.#external = now;
    this.#refused = refusedBy(bundle);
    return (tunnelId) => sameExternalPeer(before.get(tunnelId), now.get(tunnelId));
  }

  /** @param authorities those of our edges: they vouch for no gateway that is not ours, and the other way round. */
  trust(tunnelId: string, authorities: readonly Certificate[]): PeerTrust {
    const authentication = this.#external.get(tunnelId)?.authentication;
    const others = authentication?.kind === 'certificates' ? authentication.anchors : [];
    const anchors = authentication === undefined ? authorities : others;
    return { kind: 'certificates', anchors, refusedSerials: this.#refused.get(tunnelId) ?? NONE };
  }

  believe(tunnelId: string, serialNumber: string): void {
    const believed = this.#believed.get(tunnelId) ?? new Set();
    this.#believed.set(tunnelId, believed.add(serialNumber));
  }

  /** An IKE SA of the tunnel was authenticated with a certificate that is not believed any more. */
  isRefused(tunnelId: string): boolean {
    const refused = this.#refused.get(tunnelId);
    return [...(this.#believed.get(tunnelId) ?? [])].some((serial) => refused?.has(serial));
  }

  /** The tunnels of those. */
  refused(): readonly string[] {
    return [...this.#believed.keys()].filter((tunnelId) => this.isRefused(tunnelId));
  }

  /** The tunnel is gone, or made from nothing. */
  forget(tunnelId: string): void {
    this.#believed.delete(tunnelId);
  }
}

function refusedBy({ tunnels }: VerifiedBundle): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    [...tunnels.values()].flatMap(({ tunnelId, keying }) =>
      keying.mode === 'ikev2' ? [[tunnelId, keying.negotiation.revokedSerials] as const] : [],
    ),
  );
}

const NONE: ReadonlySet<string> = new Set();
