import type { BundleKeyExchange, IntentProfile, KeyExchangeMethod } from '@weft/fabric-compiler';
import { keyExchangeNames, keyExchangeOf } from '../external-peers/key-exchange-names.js';
import type { Profile, ProfileInput } from './profile.dto.js';

/** A profile as the table has it; key exchanges are numbers of IANA. */
export interface WrittenProfile {
  readonly name: string;
  readonly espEncryption: ProfileInput['esp']['encryption'];
  readonly espKeyBits: 128 | 256;
  readonly replayWindow: number;
  readonly ikeEncryption: ProfileInput['ike']['encryption'];
  readonly ikeKeyBits: 128 | 256;
  readonly ikePrf: ProfileInput['ike']['prf'];
  readonly ikeKeyExchange: readonly KeyExchangeMethod[];
  readonly childKeyExchange: readonly KeyExchangeMethod[];
  readonly ikeLifetimeSeconds: number;
  readonly childLifetimeSeconds: number;
}

export type ProfileRow = WrittenProfile &
  Pick<Profile, 'id' | 'description' | 'version'> & { readonly createdAt: Date; readonly updatedAt: Date };

export function writtenProfile({ name, esp, ike, childKeyExchange, ...lifetimes }: ProfileInput): WrittenProfile {
  return {
    name,
    espEncryption: esp.encryption,
    espKeyBits: esp.keyBits,
    replayWindow: esp.replayWindow,
    ikeEncryption: ike.encryption,
    ikeKeyBits: ike.keyBits,
    ikePrf: ike.prf,
    ikeKeyExchange: numbersOf(keyExchangeOf(ike.keyExchange)),
    childKeyExchange: numbersOf(keyExchangeOf(childKeyExchange)),
    ikeLifetimeSeconds: lifetimes.ikeLifetimeSeconds,
    childLifetimeSeconds: lifetimes.childLifetimeSeconds,
  };
}

/** As the API shows it. */
export function profileOf(row: ProfileRow): Profile {
  const { id, name, description, version, ikeLifetimeSeconds, childLifetimeSeconds } = row;
  return {
    id,
    name,
    description,
    esp: { encryption: row.espEncryption, keyBits: row.espKeyBits, replayWindow: row.replayWindow },
    ike: {
      encryption: row.ikeEncryption,
      keyBits: row.ikeKeyBits,
      prf: row.ikePrf,
      keyExchange: keyExchangeNames(exchangeOf(row.ikeKeyExchange)),
    },
    childKeyExchange: keyExchangeNames(exchangeOf(row.childKeyExchange)),
    ikeLifetimeSeconds,
    childLifetimeSeconds,
    version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** As an intent has it. */
export function intendedProfile(row: WrittenProfile & { readonly id: string }): IntentProfile {
  const { espEncryption, espKeyBits, replayWindow, ikeEncryption, ikeKeyBits, ikePrf } = row;
  const [keyExchange, childKeyExchange] = [exchangeOf(row.ikeKeyExchange), exchangeOf(row.childKeyExchange)];
  if (keyExchange === undefined) throw new Error(`the profile ${row.id} has no key exchange`);
  return {
    id: row.id,
    name: row.name,
    esp: { encryption: espEncryption, keyBits: espKeyBits, replayWindow, extendedSequenceNumbers: true },
    ike: {
      proposals: [{ encryption: ikeEncryption, keyBits: ikeKeyBits, prf: ikePrf, keyExchange }],
      ...(childKeyExchange === undefined ? {} : { childKeyExchange }),
      ikeLifetimeSeconds: row.ikeLifetimeSeconds,
      childLifetimeSeconds: row.childLifetimeSeconds,
      livenessSeconds: LIVENESS_SECONDS,
    },
  };
}

/** Of an intent that was published: what the table had then. */
export function writtenIntent({ id, name, esp, ike }: IntentProfile): WrittenProfile {
  const [proposal] = ike.proposals;
  if (esp.protocol === 'ah' || proposal === undefined) throw new Error(`the profile ${id} is none of this product`);
  return {
    name,
    espEncryption: esp.encryption,
    espKeyBits: tableBits(esp.keyBits),
    replayWindow: esp.replayWindow,
    ikeEncryption: proposal.encryption,
    ikeKeyBits: tableBits(proposal.keyBits),
    ikePrf: proposal.prf,
    ikeKeyExchange: numbersOf(proposal.keyExchange),
    childKeyExchange: numbersOf(ike.childKeyExchange),
    ikeLifetimeSeconds: ike.ikeLifetimeSeconds,
    childLifetimeSeconds: ike.childLifetimeSeconds,
  };
}

/** Keys of 192 bits are for gateways that are not ours. */
function tableBits(keyBits: 128 | 192 | 256): 128 | 256 {
  if (keyBits === 192) throw new Error('no profile has keys of 192 bits');
  return keyBits;
}

function numbersOf(exchange: BundleKeyExchange | undefined): readonly KeyExchangeMethod[] {
  return exchange === undefined ? [] : [exchange.method, ...exchange.additionalMethods];
}

function exchangeOf([method, ...additionalMethods]: readonly KeyExchangeMethod[]): BundleKeyExchange | undefined {
  return method === undefined ? undefined : { method, additionalMethods };
}

/** Silence after which a peer is asked whether it lives: with every profile. */
const LIVENESS_SECONDS = 10;
