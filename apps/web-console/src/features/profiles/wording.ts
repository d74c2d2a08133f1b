import type { Profile, ProfileInput } from '../../api/index.js';
import { PRF_LABELS } from '../external-peers/wording.js';

/** What a profile says, without what people call it. */
export type ProfileParameters = Required<Omit<ProfileInput, 'name' | 'description' | 'esp'>> & {
  readonly esp: Required<ProfileInput['esp']>;
};

type Cipher = Pick<ProfileInput['esp'], 'encryption' | 'keyBits'>;

/** Of rules that name none, where the tenant has chosen no other: what the controller has them compiled with. */
export const PRODUCT_PROFILE: ProfileParameters = {
  esp: { encryption: 'aes-gcm-16', keyBits: 256, replayWindow: 1024 },
  ike: { encryption: 'aes-gcm-16', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] },
  childKeyExchange: ['X25519', 'ML-KEM-768'],
  ikeLifetimeSeconds: 14_400,
  childLifetimeSeconds: 3600,
};

export const PRODUCT_NAME = 'Standard';

/** What a profile says, or that of the product. */
export function parametersOf(profile: Profile | null): ProfileParameters {
  if (profile === null) return PRODUCT_PROFILE;
  const { esp, ike, childKeyExchange, ikeLifetimeSeconds, childLifetimeSeconds } = profile;
  return {
    esp: { ...PRODUCT_PROFILE.esp, ...esp },
    ike,
    childKeyExchange,
    ikeLifetimeSeconds: ikeLifetimeSeconds ?? PRODUCT_PROFILE.ikeLifetimeSeconds,
    childLifetimeSeconds: childLifetimeSeconds ?? PRODUCT_PROFILE.childLifetimeSeconds,
  };
}

/** `AES-256-GCM`, `ChaCha20-Poly1305`. */
export function cipherName({ encryption, keyBits }: Cipher): string {
  return encryption === 'chacha20-poly1305' ? 'ChaCha20-Poly1305' : `AES-${keyBits}-GCM`;
}

/** `AES-256-GCM, HMAC-SHA-384, X25519 + ML-KEM-768`. */
export function ikeText(ike: ProfileInput['ike']): string {
  return `${cipherName(ike)}, ${PRF_LABELS[ike.prf]}, ${ike.keyExchange.join(' + ')}`;
}

/** `AES-256-GCM, ESN, replay window 1024`. */
export function espText(esp: ProfileInput['esp']): string {
  return `${cipherName(esp)}, ESN, replay window ${esp.replayWindow}`;
}

/** What keys of packets come from when they are replaced. */
export function rekeyText(childKeyExchange: ProfileInput['childKeyExchange']): string {
  return childKeyExchange.length === 0 ? 'no key exchange (no PFS)' : `PFS with ${childKeyExchange.join(' + ')}`;
}

/** `4 h`, `90 min`, `61 s`: as exactly as it was written. */
export function lifetimeText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

/** As a revision has it: key exchanges are numbers of IANA. */
interface IntendedIke {
  readonly proposals: readonly (Cipher & {
    readonly prf: keyof typeof PRF_LABELS;
    readonly keyExchange: IntendedExchange;
  })[];
  readonly childKeyExchange?: IntendedExchange;
  readonly ikeLifetimeSeconds: number;
  readonly childLifetimeSeconds: number;
}
interface IntendedExchange {
  readonly method: number;
  readonly additionalMethods: readonly number[];
}

/** All that a revision says of the negotiation of a profile. */
export function intendedIkeText({ proposals, childKeyExchange, ...lifetimes }: IntendedIke): string {
  const offers = proposals.map((each) => {
    return `${cipherName(each)}, ${PRF_LABELS[each.prf]}, ${exchangeNames(each.keyExchange).join(' + ')}`;
  });
  const rekeyed = childKeyExchange === undefined ? [] : exchangeNames(childKeyExchange);
  const rekey = rekeyed.length === 0 ? 'no PFS' : `PFS with ${rekeyed.join(' + ')}`;
  const { ikeLifetimeSeconds, childLifetimeSeconds } = lifetimes;
  return `${offers.join(' or ')}; ${rekey}; IKE SA ${lifetimeText(ikeLifetimeSeconds)}, Child SA ${lifetimeText(childLifetimeSeconds)}`;
}

function exchangeNames({ method, additionalMethods }: IntendedExchange): readonly string[] {
  return [method, ...additionalMethods].map((number) => METHODS.get(number) ?? String(number));
}

/** IKEv2 transform type 4. */
const METHODS = new Map([
  [19, 'ECP-256'],
  [20, 'ECP-384'],
  [21, 'ECP-521'],
  [31, 'X25519'],
  [32, 'X448'],
  [35, 'ML-KEM-512'],
  [36, 'ML-KEM-768'],
  [37, 'ML-KEM-1024'],
]);
