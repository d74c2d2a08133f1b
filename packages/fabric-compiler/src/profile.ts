import type { BundleIke, BundleKeyExchange, BundleProfile } from './bundle.js';
import type { FabricIntent, IntentProfile } from './intent.js';

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

/** Rules without `profileId` use this one; its identifier is the empty text, which no other profile can have. */
const UNNAMED: IntentProfile = { id: '', name: 'default', esp: DEFAULT_PROFILE, ike: DEFAULT_IKE };

/** By profile id. */
export function profilesOf(intent: FabricIntent): ReadonlyMap<string, IntentProfile> {
  return new Map([UNNAMED, ...(intent.profiles ?? [])].map((profile) => [profile.id, profile]));
}
