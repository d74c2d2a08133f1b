import { Secret } from '../../../bytes/secret.js';
import {
  type InitiatedKeyExchange,
  KeyExchangeError,
  type KeyExchangeProvider,
  type RandomSource,
} from './key-exchange.js';

/** A Diffie-Hellman group by two functions over octets; both throw on invalid input. */
export interface DiffieHellmanGroup {
  readonly method: number;
  readonly publicLength: number;
  /** Draws a private value that is valid in the group. */
  makePrivate(random: RandomSource): Uint8Array;
  publicOf(privateValue: Uint8Array): Uint8Array;
  /** Throws KeyExchangeError when the peer's value is invalid. */
  agree(privateValue: Uint8Array, peerPublic: Uint8Array): Uint8Array;
}

/** An encapsulation mechanism: public values differ in length between the two directions. */
export interface EncapsulationMechanism {
  readonly method: number;
  readonly initiatorLength: number;
  readonly responderLength: number;
  generate(random: RandomSource): { readonly publicValue: Uint8Array; readonly privateValue: Uint8Array };
  /** Throws KeyExchangeError when the encapsulation key is invalid. */
  encapsulate(
    publicValue: Uint8Array,
    random: RandomSource,
  ): { readonly ciphertext: Uint8Array; readonly shared: Uint8Array };
  decapsulate(ciphertext: Uint8Array, privateValue: Uint8Array): Uint8Array;
}

/** A provider out of groups and mechanisms: lengths, ownership and wiping are the same for all. */
export function keyExchangeProvider(
  name: string,
  groups: readonly DiffieHellmanGroup[],
  mechanisms: readonly EncapsulationMechanism[],
): KeyExchangeProvider {
  return {
    name,
    methods: [...groups, ...mechanisms].map((entry) => entry.method),
    initiate(method, random) {
      const group = groups.find((entry) => entry.method === method);
      if (group !== undefined) return initiateGroup(group, random);
      const mechanism = mechanisms.find((entry) => entry.method === method);
      if (mechanism !== undefined) return initiateMechanism(mechanism, random);
      throw new KeyExchangeError('unsupported_method', method);
    },
    respond(method, peerPublic, random) {
      const group = groups.find((entry) => entry.method === method);
      if (group !== undefined) {
        const own = initiateGroup(group, random);
        return { publicValue: own.publicValue, shared: own.finish(peerPublic) };
      }
      const mechanism = mechanisms.find((entry) => entry.method === method);
      if (mechanism === undefined) throw new KeyExchangeError('unsupported_method', method);
      expectLength(peerPublic, mechanism.initiatorLength, method);
      const { ciphertext, shared } = mechanism.encapsulate(peerPublic, random);
      return { publicValue: ciphertext, shared: take(shared) };
    },
  };
}

function initiateGroup(group: DiffieHellmanGroup, random: RandomSource): InitiatedKeyExchange {
  const privateValue = group.makePrivate(random);
  return {
    method: group.method,
    publicValue: group.publicOf(privateValue),
    finish(peerPublic) {
      try {
        expectLength(peerPublic, group.publicLength, group.method);
        return take(group.agree(privateValue, peerPublic));
      } finally {
        privateValue.fill(0);
      }
    },
    discard: () => {
      privateValue.fill(0);
    },
  };
}

function initiateMechanism(mechanism: EncapsulationMechanism, random: RandomSource): InitiatedKeyExchange {
  const { publicValue, privateValue } = mechanism.generate(random);
  return {
    method: mechanism.method,
    publicValue,
    finish(ciphertext) {
      try {
        expectLength(ciphertext, mechanism.responderLength, mechanism.method);
        return take(mechanism.decapsulate(ciphertext, privateValue));
      } finally {
        privateValue.fill(0);
      }
    },
    discard: () => {
      privateValue.fill(0);
    },
  };
}

function expectLength(value: Uint8Array, length: number, method: number): void {
  if (value.length !== length) throw new KeyExchangeError('bad_length', method);
}

function take(octets: Uint8Array): Secret {
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}
