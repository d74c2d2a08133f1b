import type { BundleIke, BundleKeyExchange, BundleProfile } from './bundle.js';
import type { FabricIntent, IntentProfile } from './intent.js';
import type { Owner } from './topology.js';

/** The profile of rules that name none: RFC 8221 AES-GCM-16, ESN, a window that forgives reordering. */
export const DEFAULT_PROFILE: BundleProfile = {
  encryption: 'aes-gcm-16',
  keyBits: 256,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
};

/**
 * Hybrid and nothing else: both ends are ours, and whoever records the handshake must break Curve25519 and ML-KEM-768
 * (RFC 9370). An hour of traffic is under one key, as with keys that the controller makes.
 */
const HYBRID: BundleKeyExchange = { method: 31, additionalMethods: [36] };
export const DEFAULT_IKE: BundleIke = {
  proposals: [{ encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: HYBRID }],
  childKeyExchange: HYBRID,
  ikeLifetimeSeconds: 4 * 3600,
  childLifetimeSeconds: 3600,
  livenessSeconds: 10,
};

/** With what the tenant has ESP travel in; UDP goes without saying. */
export function defaultProfile({ encapsulation = 'udp' }: Pick<FabricIntent, 'encapsulation'>): BundleProfile {
  return encapsulation === 'udp' ? DEFAULT_PROFILE : { ...DEFAULT_PROFILE, encapsulation };
}

/** A profile as a peer is offered it: what an external peer is to be offered goes before the profile of the rule. */
export function offeredTo(owner: Owner | undefined, profile: IntentProfile): IntentProfile {
  const offer = owner?.kind === 'external' ? owner.peer.offer : undefined;
  // What ESP travels in is the tenant's choice.
  return offer === undefined ? profile : { ...profile, ...offer, esp: { ...profile.esp, ...offer.esp } };
}

/** By profile id. Rules without `profileId` use the empty one, which no profile of the tenant can have. */
export function profilesOf(intent: FabricIntent): ReadonlyMap<string, IntentProfile> {
  const unnamed = { id: '', name: 'default', esp: defaultProfile(intent), ike: DEFAULT_IKE };
  return new Map([unnamed, ...(intent.profiles ?? [])].map((profile) => [profile.id, profile]));
}
