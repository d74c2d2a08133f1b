import { readUint32 } from '../bytes/octets.js';
import { Secret } from '../bytes/secret.js';
import { HASH_LENGTH, hkdfExpand, hkdfExtract, sha384Of } from '../crypto/ike/hkdf.js';
import { concatenate } from '../crypto/ike/prf.js';
import type { CryptoProvider } from '../crypto/provider.js';
import type { Role } from './terms.js';

/*
 * transcript   = SHA-384("weft controller-blind transcript\0" | digest of the offer | digest of the answer)
 * root         = HKDF-Extract(salt = transcript, IKM = X25519 secret | ML-KEM secret)
 * chain key 0  = HKDF-Expand(root, "weft controller-blind chain\0" | role of the sender, 48)   one for each direction
 * confirmation = HKDF-Expand(root, "weft controller-blind confirmation\0", 48)
 * SPI n        = HKDF-Expand(chain key n, "weft controller-blind spi\0", 4)
 * KEYMAT n     = HKDF-Expand(chain key n, "weft controller-blind keymat\0", length of the suite)
 * chain key n+1 = HKDF-Expand(chain key n, "weft controller-blind next\0", 48)
 *
 * The two secrets stand one after the other, as in draft-ietf-tls-hybrid-design section 3.3: each has one
 * length, so that they cannot be shifted against each other, and both have to be known to know the root.
 */

export interface RootSecrets {
  /** Chain key 0 of what the offering edge sends, and of what the answering edge sends. */
  readonly chains: Readonly<Record<Role, Secret>>;
  readonly confirmation: Secret;
}

export function transcriptOf(offerDigest: Uint8Array, answerDigest: Uint8Array): Uint8Array {
  return sha384Of(label('transcript'), offerDigest, answerDigest);
}

/** The root itself is wiped: chain keys and the confirmation are all that is made of it. Wipes the two secrets. */
export function deriveRoot(provider: CryptoProvider, transcript: Uint8Array, x25519: Secret, kem: Secret): RootSecrets {
  const material = x25519.reveal((first) => kem.reveal((second) => concatenate([first, second])));
  x25519.wipe();
  kem.wipe();
  const root = hkdfExtract(provider, transcript, material);
  material.fill(0);
  const chain = (role: number) =>
    hkdfExpand(provider, root, concatenate([label('chain'), Uint8Array.of(role)]), HASH_LENGTH);
  const secrets = {
    chains: { offering: chain(1), answering: chain(2) },
    confirmation: hkdfExpand(provider, root, label('confirmation'), HASH_LENGTH),
  };
  root.wipe();
  return secrets;
}

/** Public once a packet is on its way, and not to be guessed before. */
export function spiOf(provider: CryptoProvider, chainKey: Secret): number {
  const octets = hkdfExpand(provider, chainKey, label('spi'), 4);
  const spi = octets.reveal((value) => readUint32(value, 0));
  octets.wipe();
  return spi;
}

export function keyingMaterialOf(provider: CryptoProvider, chainKey: Secret, length: number): Secret {
  return hkdfExpand(provider, chainKey, label('keymat'), length);
}

/** One way: who has it knows nothing of the associations before. Wipes the key that it is made of. */
export function nextChainKey(provider: CryptoProvider, chainKey: Secret): Secret {
  const next = hkdfExpand(provider, chainKey, label('next'), HASH_LENGTH);
  chainKey.wipe();
  return next;
}

function label(name: string): Uint8Array {
  return Uint8Array.from(`weft controller-blind ${name}\0`, (character) => character.charCodeAt(0));
}
