import type { Secret } from '../bytes/secret.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { Chain, type DerivedAssociation } from './chain.js';
import { InboundWindow } from './inbound-window.js';
import { deriveRoot } from './key-schedule.js';
import { roleOf, type Suite, type TunnelTerms } from './terms.js';

/** What names a root, and is no secret but for the confirmation before it is sent. */
export interface RootName {
  readonly number: number;
  readonly epoch: bigint;
  readonly suite: Suite;
  /** By the clock of the tunnel, milliseconds. */
  readonly bornAt: number;
  readonly offerDigest: Uint8Array;
  readonly transcript: Uint8Array;
}

/** All that an edge has of one root: a ratchet for each direction, and what stands on them. */
export class RootKeys {
  readonly name: RootName;
  readonly confirmation: Secret;
  readonly outbound: Chain;
  readonly inbound: InboundWindow;
  /** What it sends on. */
  sending: { readonly number: number; readonly spi: number } | undefined;
  /** Numbers below are not to be sent on: the peer should come past what this end cannot receive. */
  leastOutbound: number;
  /** When all of it goes, because the peer uses a later root. */
  retireAt: number | undefined;
  announcement: { readonly at: number; readonly pause: number } | undefined;
  toldNotRenewed = false;

  /** Owns the secrets. */
  constructor(name: RootName, confirmation: Secret, outbound: Chain, inbound: InboundWindow, leastOutbound: number) {
    this.name = name;
    this.confirmation = confirmation;
    this.outbound = outbound;
    this.inbound = inbound;
    this.leastOutbound = leastOutbound;
  }

  /** Wipes the two secrets. */
  static derive(provider: CryptoProvider, terms: TunnelTerms, name: RootName, x25519: Secret, kem: Secret): RootKeys {
    const { chains, confirmation } = deriveRoot(provider, name.transcript, x25519, kem);
    const own = roleOf(terms);
    const outbound = new Chain(provider, chains[own], 0);
    const inbound = new Chain(provider, chains[own === 'offering' ? 'answering' : 'offering'], 0);
    return new RootKeys(name, confirmation, outbound, new InboundWindow(inbound, name.suite.keyingMaterialLength), 0);
  }

  get number(): number {
    return this.name.number;
  }

  /** Whether restarts have used so much of it that another one is wanted. */
  get nearlyExhausted(): boolean {
    return Math.max(this.outbound.position, this.inbound.neverInstalled.position) >= NEARLY_EXHAUSTED;
  }

  /** The next association to send on; undefined when there is none left. It is passed: what follows is to be stored before it is used. */
  nextOutbound(): DerivedAssociation | undefined {
    this.outbound.advanceTo(this.leastOutbound);
    const next = this.outbound.take(this.name.suite.keyingMaterialLength);
    this.sending = next && { number: next.number, spi: next.spi };
    return next;
  }

  wipe(): void {
    this.confirmation.wipe();
    this.outbound.wipe();
    this.inbound.wipe();
  }
}

const NEARLY_EXHAUSTED = 3072;
