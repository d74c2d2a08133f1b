import { randomFillSync } from 'node:crypto';
import type { KeyShare, SessionRequest } from '@weft/contracts/southbound';
import type { LifetimeEvent } from '@weft/ipsec-core';
import { describeRefusal, type TunnelTerms } from '@weft/ipsec-core/blind';
import type { Endpoint } from '@weft/ipsec-core/ike';
import { nodeCryptoProvider, nodeKeyExchange } from '@weft/ipsec-core/node-crypto';
import { tunnelTravel } from '../control/bundle/tunnel-travel.js';
import type { VerifiedBundle } from '../control/bundle/verified-bundle.js';
import type { Identity } from '../identity/identity.js';
import { type OwnCredentials, ownCredentials } from '../ike/edge-credentials.js';
import { messageOf } from '../platform/agent-error.js';
import type { Log } from '../platform/log.js';
import { type BlindForm, suiteOf } from './blind-association.js';
import { afterNews, type BlindState, NOTHING_HAPPENED } from './blind-state.js';
import { type BlindNews, type BlindPlane, BlindTunnel } from './blind-tunnel.js';
import { CertificateProof } from './key-share-proof.js';
import { Slots } from './slots.js';
import type { TunnelKeyStore } from './tunnel-key-store.js';

/** What the keys of all such tunnels are made and kept with. */
export interface EdgeBlindParts {
  readonly identity: Identity;
  readonly plane: BlindPlane;
  readonly store: TunnelKeyStore;
  readonly log: Log;
  /** Sends to the controller; false when there is no session or it is slow. */
  readonly send: (message: SessionRequest) => boolean;
}

/**
 * The tunnels of the bundle in force whose keys the controller relays and does not know (ADR 26). It needs no controller once the
 * edges have agreed: what it keeps brings them up again after a restart.
 */
export class EdgeBlind {
  readonly #parts: EdgeBlindParts;
  readonly #tunnels = new Map<string, Known>();
  readonly #slots = new Slots(AT_A_TIME);
  /** The last message of each tunnel that the controller has not taken yet. */
  readonly #unsent = new Map<string, Uint8Array>();
  #own: OwnCredentials;
  #connected = false;
  /** Messages about tunnels that this edge has not got. */
  #strays = 0;

  constructor(parts: EdgeBlindParts) {
    this.#parts = parts;
    this.#own = ownCredentials(parts.identity);
  }

  /** The edge shows another certificate, or believes others, from the next key share on; keys that there are go on. */
  useIdentity(identity: Identity): void {
    this.#own = ownCredentials(identity);
  }

  /** The tunnels of the bundle in force. What stays goes on; of what is gone, or whose peer is not believed any more, nothing is left. */
  async apply(bundle: VerifiedBundle): Promise<void> {
    const { tenantId, edgeId } = this.#own.shown;
    const wanted = wantedOf(bundle, { local: edgeId, fabric: tenantId });
    for (const [tunnelId, { tunnel }] of this.#tunnels) {
      const next = wanted.get(tunnelId);
      if (next !== undefined && next.terms.remote === tunnel.terms.remote && !tunnel.believesAny(next.revokedSerials))
        continue;
      this.#tunnels.delete(tunnelId);
      this.#unsent.delete(tunnelId);
      await tunnel.end();
    }
    await this.#forgetAllBut(new Set(wanted.keys()));
    for (const [tunnelId, next] of wanted) {
      const known = this.#tunnels.get(tunnelId);
      if (known === undefined) this.#begin(next);
      else {
        this.#tunnels.set(tunnelId, { ...known, remote: next.remote });
        await known.tunnel.reconfigure(next.terms, next.form, next.revokedSerials);
      }
    }
  }

  /** A session with a controller that relays has begun. */
  connected(): void {
    this.#connected = true;
    for (const { tunnel } of this.#tunnels.values()) tunnel.connected = true;
  }

  /** It is over: what was not sent is said anew in the next one. */
  disconnected(): void {
    this.#connected = false;
    this.#unsent.clear();
    for (const { tunnel } of this.#tunnels.values()) tunnel.connected = false;
  }

  /** The controller takes messages again. */
  writable(): void {
    if (!this.#connected) return;
    for (const [tunnelId, message] of this.#unsent) {
      const value: KeyShare = { tunnelId, signedMessage: Buffer.from(message) };
      if (!this.#parts.send({ message: { $case: 'keyShare', value } })) return;
      this.#unsent.delete(tunnelId);
    }
  }

  /** From the controller, said to be of the peer of a tunnel. One that comes before its bundle does is sent again by the peer. */
  message({ tunnelId, signedMessage }: KeyShare): void {
    const known = this.#tunnels.get(tunnelId);
    if (known === undefined) this.#strays++;
    else known.tunnel.tell({ kind: 'message', octets: Uint8Array.from(signedMessage) });
  }

  /** The first packet came on these. */
  inboundUsed(spis: readonly number[]): void {
    for (const spi of spis) {
      for (const { tunnel } of this.#tunnels.values()) if (tunnel.hasInbound(spi)) tunnel.tell({ kind: 'used', spi });
    }
  }

  /** A packet came on an SPI that nothing has: its sender may be further than this edge knows. */
  unknownSpi(spi: number, { address }: Endpoint): void {
    for (const { tunnel, remote } of this.#tunnels.values()) {
      if (Buffer.compare(remote, address) === 0) tunnel.tell({ kind: 'unknown_spi', spi });
    }
  }

  /** An association of the packet path came to the end of its life. @returns false when it is none of these. */
  lifetimeEnded({ direction, tunnelId, spi }: LifetimeEvent): boolean {
    const known = this.#tunnels.get(tunnelId);
    if (known === undefined) return false;
    if (direction === 'outbound') known.tunnel.tell({ kind: 'spent', spi });
    return true;
  }

  /** How each tunnel stands, by tunnel id. */
  states(): ReadonlyMap<string, BlindState> {
    return new Map(
      [...this.#tunnels].map(([tunnelId, { tunnel, state }]) => {
        const { inForce = 0, roots = [] } = tunnel.position ?? {};
        return [tunnelId, { ...state, inForce, roots }];
      }),
    );
  }

  /** Messages that were for no tunnel of this edge. */
  drops(): readonly { readonly reason: string; readonly packets: bigint }[] {
    return this.#strays === 0 ? [] : [{ reason: 'key_share_unknown_tunnel', packets: BigInt(this.#strays) }];
  }

  /** Lets go of all keys in memory; what is on the disk stays. */
  async stop(): Promise<void> {
    await Promise.all([...this.#tunnels.values()].map(({ tunnel }) => tunnel.stop()));
    this.#tunnels.clear();
  }

  #begin({ terms, form, revokedSerials, remote }: Wanted): void {
    const { plane, store } = this.#parts;
    const tunnel = new BlindTunnel(terms, form, revokedSerials, {
      crypto: { provider: nodeCryptoProvider, keyExchange: nodeKeyExchange, random: (out) => void randomFillSync(out) },
      store,
      plane,
      proof: new CertificateProof(
        () => this.#own,
        () => Date.now(),
      ),
      publish: (tunnelId, message) => {
        this.#unsent.set(tunnelId, message);
        this.writable();
      },
      wallClock: () => Date.now(),
      after,
      inTurn: (work) => this.#slots.run(work),
      onNews: (tunnelId, news) => this.#take(tunnelId, news),
    });
    this.#tunnels.set(terms.tunnelId, { tunnel, remote, state: NOTHING_HAPPENED });
    if (this.#connected) tunnel.connected = true;
    tunnel.start();
  }

  async #forgetAllBut(tunnelIds: ReadonlySet<string>): Promise<void> {
    try {
      await this.#parts.store.keepOnly(tunnelIds);
    } catch (error) {
      this.#parts.log.error(
        { reason: messageOf(error) },
        'keys of tunnels that are gone are still in the state directory',
      );
    }
  }

  #take(tunnelId: string, news: BlindNews): void {
    const known = this.#tunnels.get(tunnelId);
    if (known === undefined) return;
    const before = known.state;
    this.#tunnels.set(tunnelId, { ...known, state: afterNews(before, news) });
    this.#tell(tunnelId, before, news);
  }

  #tell(tunnelId: string, before: BlindState, news: BlindNews): void {
    const { log } = this.#parts;
    switch (news.kind) {
      case 'in_force':
        log.info({ tunnelId, root: news.root }, 'the edges of a tunnel have agreed on keys');
        break;
      case 'refused': {
        const { refusal } = news;
        const told = { tunnelId, code: refusal.code, reason: describeRefusal(refusal) };
        // A relay that does the same again and again is told of once.
        if (refusal.code === 'already_taken' || before.refusal?.code === refusal.code)
          log.debug(told, 'key share refused');
        else log.warn(told, 'key share refused');
        break;
      }
      case 'alarm':
        log.error(
          { tunnelId, ...news.alarm },
          'the keys of a tunnel are not renewed: the controller or the peer is out of reach',
        );
        break;
      case 'resumed':
        log.info({ tunnelId }, 'the keys of a tunnel can be kept again');
        break;
      case 'stopped':
        log.error({ tunnelId, ...news }, 'nothing passes in a tunnel until its keys can be kept');
        break;
      default:
        log.error({ tunnelId, ...news }, 'trouble with the keys of a tunnel');
    }
  }
}

interface Known {
  readonly tunnel: BlindTunnel;
  /** Where the peer is. */
  readonly remote: Uint8Array;
  readonly state: BlindState;
}

interface Wanted {
  readonly terms: TunnelTerms;
  readonly form: BlindForm;
  readonly revokedSerials: ReadonlySet<string>;
  readonly remote: Uint8Array;
}

function wantedOf(bundle: VerifiedBundle, { local, fabric }: Ends): ReadonlyMap<string, Wanted> {
  return new Map(
    [...bundle.tunnels.values()].flatMap((tunnel) => {
      const { tunnelId, profile, keying, remote } = tunnel;
      if (remote === undefined || keying.mode !== 'controller-blind' || profile.protocol !== 'esp') return [];
      const { softLifetime, hardLifetime, revokedSerials } = keying;
      const named = { fabric, tunnelId, local, remote: tunnel.peerEdgeId, epoch: bundle.epoch };
      const terms = { ...named, suite: suiteOf(profile), softLifetime, hardLifetime };
      const { replayWindow } = profile;
      const form = { replayWindow, hardLifetime, travel: tunnelTravel(bundle, tunnel, profile) };
      return [[tunnelId, { terms, form, revokedSerials, remote: remote.octets }] as const];
    }),
  );
}

type Ends = Pick<TunnelTerms, 'local' | 'fabric'>;

function after(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

/** Tunnels that write to the disk or ask the packet path at one time. */
const AT_A_TIME = 16;
