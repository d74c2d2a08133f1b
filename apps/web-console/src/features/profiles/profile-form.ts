import type { Profile, ProfileInput } from '../../api/index.js';
import { parametersOf } from './wording.js';

/** A combined mode with the length of its keys, as one choice. */
export const CIPHERS = [
  { value: 'aes-gcm-16 256', label: 'AES-256-GCM' },
  { value: 'aes-gcm-16 128', label: 'AES-128-GCM' },
  { value: 'chacha20-poly1305 256', label: 'ChaCha20-Poly1305' },
] as const;

export type CipherChoice = (typeof CIPHERS)[number]['value'];
type KeyExchange = ProfileInput['ike']['keyExchange'];

/** A profile as its form holds it, by the paths that the controller calls its fields by. */
export interface ProfileValues {
  readonly name: string;
  readonly description: string;
  readonly esp: { readonly encryption: CipherChoice; readonly replayWindow: number | string };
  readonly ike: {
    readonly encryption: CipherChoice;
    readonly prf: ProfileInput['ike']['prf'];
    readonly keyExchange: KeyExchange;
  };
  readonly childKeyExchange: KeyExchange;
  readonly ikeLifetimeSeconds: number | string;
  readonly childLifetimeSeconds: number | string;
}

/** Of a profile to change; a new one begins as what it stands in for. */
export function profileValues(profile: Profile | undefined): ProfileValues {
  const { esp, ike, childKeyExchange, ...lifetimes } = parametersOf(profile ?? null);
  return {
    name: profile?.name ?? '',
    description: profile?.description ?? '',
    esp: { encryption: choiceOf(esp), replayWindow: esp.replayWindow },
    ike: { encryption: choiceOf(ike), prf: ike.prf, keyExchange: [...ike.keyExchange] },
    childKeyExchange: [...childKeyExchange],
    ...lifetimes,
  };
}

/** What the controller is asked for, or by form path what is missing. What is too much or too little it says itself. */
export function readProfile(
  values: ProfileValues,
): { readonly body: ProfileInput } | { readonly errors: Readonly<Record<string, string>> } {
  const errors: Record<string, string> = {};
  if (values.name.trim() === '') errors['name'] = 'Give the profile a name.';
  const numbers = {
    'esp.replayWindow': values.esp.replayWindow,
    ikeLifetimeSeconds: values.ikeLifetimeSeconds,
    childLifetimeSeconds: values.childLifetimeSeconds,
  };
  for (const [path, value] of Object.entries(numbers)) if (typeof value !== 'number') errors[path] = 'Give a number.';
  if (Object.keys(errors).length > 0) return { errors };
  const { name, description, esp, ike, childKeyExchange, ikeLifetimeSeconds, childLifetimeSeconds } = values;
  const body = {
    name: name.trim(),
    description,
    esp: { ...cipherOf(esp.encryption), replayWindow: Number(esp.replayWindow) },
    ike: { ...cipherOf(ike.encryption), prf: ike.prf, keyExchange: [...ike.keyExchange] },
    childKeyExchange: [...childKeyExchange],
    ikeLifetimeSeconds: Number(ikeLifetimeSeconds),
    childLifetimeSeconds: Number(childLifetimeSeconds),
  };
  return { body };
}

/** Every form path that can carry an error; what is wrong with one entry of a list is said at the list. */
export function profileFields(): string[] {
  return [
    'name',
    'description',
    'esp.encryption',
    'esp.replayWindow',
    'ike.encryption',
    'ike.prf',
    'ike.keyExchange',
    'childKeyExchange',
    'ikeLifetimeSeconds',
    'childLifetimeSeconds',
  ];
}

function choiceOf({ encryption, keyBits }: ProfileInput['esp'] | ProfileInput['ike']): CipherChoice {
  if (encryption === 'chacha20-poly1305') return 'chacha20-poly1305 256';
  return `${encryption} ${keyBits}`;
}

function cipherOf(choice: CipherChoice): Pick<ProfileInput['esp'], 'encryption' | 'keyBits'> {
  switch (choice) {
    case 'aes-gcm-16 128':
      return { encryption: 'aes-gcm-16', keyBits: 128 };
    case 'aes-gcm-16 256':
      return { encryption: 'aes-gcm-16', keyBits: 256 };
    case 'chacha20-poly1305 256':
      return { encryption: 'chacha20-poly1305', keyBits: 256 };
  }
}
