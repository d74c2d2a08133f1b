import type {
  BundleAhProfile,
  BundleEspProfile,
  BundleIke,
  BundleKeyExchange,
  BundleKeyLifetimes,
  BundleProfile,
} from './bundle.js';
import type { FabricIntent, IntentProfile } from './intent.js';
import type { Owner } from './topology.js';

/** The profile of rules that name none: RFC 8221 AES-GCM-16, ESN, a window that forgives reordering. */
export const DEFAULT_PROFILE: BundleEspProfile = {
  encryption: 'aes-gcm-16',
  keyBits: 256,
  replayWindow: 1024,
  extendedSequenceNumbers: true,
};

/** The same where packets are to be authenticated only: "AUTH_HMAC_SHA2_256_128: MUST" (RFC 8221 section 6). */
const AH_PROFILE: BundleAhProfile = {
  protocol: 'ah',
  integrity: 'hmac-sha2-256-128',
  replayWindow: DEFAULT_PROFILE.replayWindow,
  extendedSequenceNumbers: DEFAULT_PROFILE.extendedSequenceNumbers,
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

/**
 * Of keys that edges agree on by relayed messages. Others take their place each hour, as with the other modes; where no controller relays
 * anything they last for three days, a long weekend, since edges that restart meanwhile go on with them.
 */
export const RELAYED_KEY_LIFETIMES: BundleKeyLifetimes = {
  softLifetimeSeconds: 3600,
  hardLifetimeSeconds: 3 * 24 * 3600,
};

/** What protects packets between edges. */
export function defaultProfile(
  intent: Pick<FabricIntent, 'encapsulation' | 'securityProtocol' | 'mode'>,
): BundleProfile {
  return inModeOf(intent, intent.securityProtocol === 'ah' ? AH_PROFILE : espProfile(intent));
}

/** What ESP travels in and the mode are the tenant's choice, whatever profile a rule names. */
function asTenantHasIt(intent: Pick<FabricIntent, 'encapsulation' | 'mode'>, profile: BundleProfile): BundleProfile {
  const { encapsulation = 'udp' } = intent;
  if (profile.protocol === 'ah') return inModeOf(intent, profile);
  const { encapsulation: _, ...esp } = profile;
  return inModeOf(intent, encapsulation === 'udp' ? esp : { ...esp, encapsulation });
}

/** Transport mode passes no NAT: ESP needs no UDP for it. */
function inModeOf({ mode }: Pick<FabricIntent, 'mode'>, { mode: _, ...profile }: BundleProfile): BundleProfile {
  if (mode !== 'transport') return profile;
  return profile.protocol === 'ah' ? { ...profile, mode } : { ...profile, encapsulation: 'none', mode };
}

/** With what the tenant has ESP travel in; UDP goes without saying. */
export function espProfile({ encapsulation = 'udp' }: Pick<FabricIntent, 'encapsulation'>): BundleEspProfile {
  return encapsulation === 'udp' ? DEFAULT_PROFILE : { ...DEFAULT_PROFILE, encapsulation };
}

/**
 * A profile as a peer is offered it: what an external peer is to be offered goes before the profile of the rule. It is ESP
 * always: that is what is known of such a peer.
 */
export function offeredTo(
  owner: Owner | undefined,
  profile: IntentProfile,
  intent: Pick<FabricIntent, 'encapsulation'>,
): IntentProfile {
  if (owner?.kind !== 'external') return profile;
  // What ESP travels in is the tenant's choice. Of an offer nothing else is the rule's, so that all rules say the same of the peer.
  const esp = profile.esp.protocol === 'ah' ? espProfile(intent) : profile.esp;
  const { offer } = owner.peer;
  return offer === undefined
    ? { ...profile, esp }
    : { ...profile, ...offer, esp: { ...espProfile(intent), ...offer.esp } };
}

/** By profile id. Rules without `profileId` use the empty one, which no profile of the tenant can have. */
export function profilesOf(intent: FabricIntent): ReadonlyMap<string, IntentProfile> {
  const unnamed = { id: '', name: 'default', esp: defaultProfile(intent), ike: DEFAULT_IKE };
  const named = (intent.profiles ?? []).map((profile) => ({ ...profile, esp: asTenantHasIt(intent, profile.esp) }));
  return new Map([unnamed, ...named].map((profile) => [profile.id, profile]));
}
