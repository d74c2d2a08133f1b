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
  /** See KeyExchangeProvider.costly. */
  readonly costly: boolean;
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
  /** See KeyExchangeProvider.costly. */
  readonly costly: boolean;
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
  const methods = new Map<number, Method>([
    ...groups.map((group) => [group.method, { kind: 'group', group }] as const),
    ...mechanisms.map((mechanism) => [mechanism.method, { kind: 'mechanism', mechanism }] as const),
  ]);
  const find = (method: number): Method => {
    const found = methods.get(method);
    if (found === undefined) throw new KeyExchangeError('unsupported_method', method);
    return found;
  };
  return {
    name,
    methods: [...methods.keys()],
    costly: new Set([...groups, ...mechanisms].filter(({ costly }) => costly).map(({ method }) => method)),
    initiate: (method, random) => initiate(find(method), method, random),
    respond(method, peerPublic, random) {
      const found = find(method);
      if (found.kind === 'group') {
        const own = initiate(found, method, random);
        return { publicValue: own.publicValue, shared: own.finish(peerPublic) };
      }
      const { mechanism } = found;
      expectLength(peerPublic, mechanism.initiatorLength, method);
      const { ciphertext, shared } = mechanism.encapsulate(peerPublic, random);
      return { publicValue: ciphertext, shared: take(shared) };
    },
    finish: (method, privateValue, peerPublic) => finish(find(method), method, privateValue, peerPublic),
  };
}

type Method =
  | { readonly kind: 'group'; readonly group: DiffieHellmanGroup }
  | { readonly kind: 'mechanism'; readonly mechanism: EncapsulationMechanism };

function initiate(found: Method, method: number, random: RandomSource): InitiatedKeyExchange {
  const { publicValue, privateValue } = generate(found, random);
  return {
    method,
    publicValue,
    privateValue,
    finish: (peerPublic) => finish(found, method, privateValue, peerPublic),
    discard: () => privateValue.wipe(),
  };
}

function generate(found: Method, random: RandomSource): Pick<InitiatedKeyExchange, 'publicValue' | 'privateValue'> {
  if (found.kind === 'group') {
    const privateValue = take(found.group.makePrivate(random));
    return { publicValue: privateValue.reveal((value) => found.group.publicOf(value)), privateValue };
  }
  const { publicValue, privateValue } = found.mechanism.generate(random);
  return { publicValue, privateValue: take(privateValue) };
}

function finish(found: Method, method: number, privateValue: Secret, peerPublic: Uint8Array): Secret {
  try {
    return privateValue.reveal((value) => {
      if (found.kind === 'group') {
        expectLength(peerPublic, found.group.publicLength, method);
        return take(found.group.agree(value, peerPublic));
      }
      expectLength(peerPublic, found.mechanism.responderLength, method);
      return take(found.mechanism.decapsulate(peerPublic, value));
    });
  } finally {
    privateValue.wipe();
  }
}

function expectLength(value: Uint8Array, length: number, method: number): void {
  if (value.length !== length) throw new KeyExchangeError('bad_length', method);
}

function take(octets: Uint8Array): Secret {
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}
