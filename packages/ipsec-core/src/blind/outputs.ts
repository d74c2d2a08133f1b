import type { Secret } from '../bytes/secret.js';
import type { Refusal } from './refusal.js';
import type { TunnelTerms } from './terms.js';

/** What a host tells of one tunnel. Every job is answered: nothing else is verified until then. */
export type KeyingInput =
  /** A session with the controller has begun. */
  | { readonly kind: 'connected' }
  /** From the controller, said to be the peer's. */
  | { readonly kind: 'message'; readonly octets: Uint8Array }
  /** Answers `sign`: a signature in the form of RFC 7427 section 3, and the chain of the key, leaf first. */
  | {
      readonly kind: 'signed';
      readonly job: number;
      readonly signature: Uint8Array;
      readonly certificates: readonly Uint8Array[];
    }
  /** Answers `sign` when there is no signature; it is asked for again later. */
  | { readonly kind: 'not_signed'; readonly job: number }
  /** Answers `verify`; `refusal` is why not, as the end of a sentence. */
  | { readonly kind: 'verified'; readonly job: number; readonly refusal?: string }
  /** An inbound association has accepted its first packet, which its ICV and its window let pass. */
  | { readonly kind: 'used'; readonly spi: number }
  /** A packet of the peer's underlay address names an SPI that nothing has. */
  | { readonly kind: 'unknown_spi'; readonly spi: number }
  /** An outbound association has reached the soft limit of what one key may protect. */
  | { readonly kind: 'spent'; readonly spi: number }
  /** An inbound association cannot be installed: another one has the SPI. */
  | { readonly kind: 'spi_in_use'; readonly spi: number }
  /** Another bundle says something else of the tunnel. */
  | { readonly kind: 'terms'; readonly terms: TunnelTerms }
  | { readonly kind: 'time' }
  /** The tunnel is gone, or its peer's certificate is revoked. */
  | { readonly kind: 'end' };

/**
 * What the host has to do, in this order: each only after those before it are done. `store` is done when it survives a power
 * cut. A host that cannot store ends here and begins again from what is stored.
 */
export type KeyingOutput =
  /** In place of what was stored before, sealed. */
  | { readonly kind: 'store'; readonly state: Secret }
  /** The host wipes the keying material. An association that is `preferred` takes the traffic of the tunnel. */
  | ({ readonly kind: 'install' } & InstalledAssociation)
  | { readonly kind: 'remove'; readonly direction: 'inbound' | 'outbound'; readonly spi: number }
  /** Send a dummy packet (RFC 4303 section 2.6) on the outbound association, so that the peer sees it used. */
  | { readonly kind: 'announce'; readonly spi: number }
  /** To the controller, in place of what was published before. */
  | { readonly kind: 'publish'; readonly message: Uint8Array }
  | { readonly kind: 'sign'; readonly job: number; readonly octets: Uint8Array }
  /** Certificate path, revocation, that the identity is `peer`'s, and the signature over `octets`. */
  | {
      readonly kind: 'verify';
      readonly job: number;
      readonly peer: string;
      readonly octets: Uint8Array;
      readonly signature: Uint8Array;
      readonly certificates: readonly Uint8Array[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** This end sends on another root. */
  | { readonly kind: 'in_force'; readonly root: number }
  | { readonly kind: 'alarm'; readonly alarm: Alarm };

export interface InstalledAssociation {
  readonly direction: 'inbound' | 'outbound';
  readonly root: number;
  readonly number: number;
  readonly spi: number;
  readonly suite: string;
  readonly keyingMaterial: Secret;
  readonly preferred: boolean;
}

/** What an operator has to know. */
export type Alarm =
  /** Past the soft lifetime, and no other root: at the hard lifetime traffic ends. The controller or the peer is out of reach. */
  | { readonly code: 'not_renewed'; readonly root: number; readonly endsIn: number }
  /** The root has ended and nothing is left to send on: nothing passes until both edges reach the controller. */
  | { readonly code: 'hard_lifetime'; readonly root: number }
  /** Restarts have used up the associations of the root: nothing passes until both edges reach the controller. */
  | { readonly code: 'exhausted'; readonly root: number };
