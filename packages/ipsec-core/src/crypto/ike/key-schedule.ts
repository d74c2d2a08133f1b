import { Secret } from '../../bytes/secret.js';
import { concatenate, type Prf } from './prf.js';
import { prfPlus } from './prf-plus.js';
import { type IkeSuite, keyLengths } from './suite.js';

/**
 * The IKEv2 key schedule (RFC 7296 sections 2.14, 2.17, 2.18; RFC 9370 section 2.2; RFC 8784 section 3; RFC 9867) as a walk
 * through types: a key cannot be asked for before it exists, and a predecessor is wiped when its successor is made.
 *
 *   IkeKeys ──addKeyExchange──▶ IkeKeys ──mixPpk──▶ IkeKeys ──childKeys──▶ Secret, ──rekey──▶ IkeKeys of the next SA
 *
 * Of the two that `mixPpk` has or makes, the one that is not used is wiped with `wipeDerivation`.
 */
export interface IkeKeys {
  readonly suite: IkeSuite;
  readonly prf: Prf;
  readonly d: Secret;
  readonly ai: Secret;
  readonly ar: Secret;
  readonly ei: Secret;
  readonly er: Secret;
  readonly pi: Secret;
  readonly pr: Secret;
}

export interface NoncesAndSpis {
  readonly initiatorNonce: Uint8Array;
  readonly responderNonce: Uint8Array;
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
}

/** SKEYSEED = prf(Ni | Nr, g^ir); {SK_d | SK_ai | …} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr). */
export function initialKeys(prf: Prf, suite: IkeSuite, shared: Secret, inputs: NoncesAndSpis): IkeKeys {
  const seed = shared.reveal((value) => skeyseed(prf, inputs.initiatorNonce, inputs.responderNonce, value));
  return expand(prf, suite, seed, inputs);
}

export function skeyseed(prf: Prf, ni: Uint8Array, nr: Uint8Array, shared: Uint8Array): Uint8Array {
  const use = (nonce: Uint8Array) => (prf.fixedKey ? nonce.subarray(0, FIXED_KEY_NONCE) : nonce);
  return prf.compute(concatenate([use(ni), use(nr)]), shared);
}

/**
 * RFC 9370 section 2.2.2, after IKE_INTERMEDIATE n:
 * SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr), and all keys anew. The old keys are wiped.
 */
export function addKeyExchange(keys: IkeKeys, shared: Secret, inputs: NoncesAndSpis): IkeKeys {
  const seed = shared.reveal((value) =>
    keys.d.reveal((d) => keys.prf.compute(d, value, inputs.initiatorNonce, inputs.responderNonce)),
  );
  const next = expand(keys.prf, keys.suite, seed, inputs);
  wipeKeys(keys);
  return next;
}

/**
 * RFC 8784 section 3: SK_d = prf+ (PPK, SK_d'), SK_pi and SK_pr likewise, each with the length it had. The encryption
 * keys stay: the IKE_AUTH messages themselves are not protected by the PPK. The old keys stay as well: until the peer has
 * answered, either may be the one that is used.
 */
export function mixPpk(keys: IkeKeys, ppk: Secret): IkeKeys {
  const mix = (secret: Secret) =>
    ppk.reveal((key) => secret.reveal((value) => owned(prfPlus(keys.prf, key, value, value.length))));
  return { ...keys, d: mix(keys.d), pi: mix(keys.pi), pr: mix(keys.pr) };
}

/**
 * RFC 9867 section 3.1, after the last IKE_INTERMEDIATE: SKEYSEED' = prf+ (PPK, SK_d), of the length of SK_d, and all keys anew,
 * those that protect IKE_AUTH as well. The old keys are wiped.
 */
export function addPpk(keys: IkeKeys, ppk: Secret, inputs: NoncesAndSpis): IkeKeys {
  const seed = ppk.reveal((key) => keys.d.reveal((d) => prfPlus(keys.prf, key, d, d.length)));
  const next = expand(keys.prf, keys.suite, seed, inputs);
  wipeKeys(keys);
  return next;
}

/** PPK Confirmation of RFC 9867: the first 8 octets of prf(PPK, Ni | Nr | SPIi | SPIr), of whoever has the PPK. */
export function ppkConfirmation({ prf }: IkeKeys, ppk: Secret, inputs: NoncesAndSpis): Uint8Array {
  const { initiatorNonce, responderNonce, initiatorSpi, responderSpi } = inputs;
  const whole = ppk.reveal((key) => prf.compute(key, initiatorNonce, responderNonce, initiatorSpi, responderSpi));
  return whole.slice(0, PPK_CONFIRMATION_OCTETS);
}

/** SK_d, SK_pi and SK_pr: what a PPK changes that is mixed in with IKE_AUTH. */
export function wipeDerivation({ d, pi, pr }: IkeKeys): void {
  for (const secret of [d, pi, pr]) secret.wipe();
}

/**
 * KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr [| SK(1) … SK(n)]), RFC 7296 section 2.17, RFC 9370 section 2.2.4. The
 * first half is for traffic of the exchange's initiator.
 */
export function childKeys(
  keys: IkeKeys,
  exchange: { readonly shared: Secret | undefined; readonly additional: readonly Secret[] },
  nonces: Pick<NoncesAndSpis, 'initiatorNonce' | 'responderNonce'>,
  lengthPerDirection: number,
): { readonly initiator: Secret; readonly responder: Secret } {
  const seed = concatenate([
    exchange.shared?.reveal((value) => value) ?? EMPTY,
    nonces.initiatorNonce,
    nonces.responderNonce,
    ...exchange.additional.map((secret) => secret.reveal((value) => value)),
  ]);
  const keymat = keys.d.reveal((d) => prfPlus(keys.prf, d, seed, 2 * lengthPerDirection));
  const result = {
    initiator: new Secret(keymat.subarray(0, lengthPerDirection)),
    responder: new Secret(keymat.subarray(lengthPerDirection)),
  };
  seed.fill(0);
  keymat.fill(0);
  return result;
}

/**
 * SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr [| SK(1) … SK(n)]), RFC 7296 section 2.18, RFC 9370 section 2.2.4.
 * "The old IKE SA's PRF" makes SKEYSEED, the new one everything after it. The old keys stay: the old SA still lives.
 */
export function rekeyedKeys(
  old: IkeKeys,
  prf: Prf,
  suite: IkeSuite,
  exchange: { readonly shared: Secret; readonly additional: readonly Secret[] },
  inputs: NoncesAndSpis,
): IkeKeys {
  const data = concatenate([
    exchange.shared.reveal((value) => value),
    inputs.initiatorNonce,
    inputs.responderNonce,
    ...exchange.additional.map((secret) => secret.reveal((value) => value)),
  ]);
  const seed = old.d.reveal((d) => old.prf.compute(d, data));
  data.fill(0);
  return expand(prf, suite, seed, inputs);
}

export function wipeKeys(keys: IkeKeys): void {
  for (const secret of [keys.d, keys.ai, keys.ar, keys.ei, keys.er, keys.pi, keys.pr]) secret.wipe();
}

function expand(prf: Prf, suite: IkeSuite, seed: Uint8Array, inputs: NoncesAndSpis): IkeKeys {
  const lengths = keyLengths(suite);
  const material = prfPlus(
    prf,
    seed,
    concatenate([inputs.initiatorNonce, inputs.responderNonce, inputs.initiatorSpi, inputs.responderSpi]),
    3 * prf.length + 2 * lengths.integrity + 2 * lengths.encryption,
  );
  let at = 0;
  const next = (length: number) => {
    at += length;
    return new Secret(material.subarray(at - length, at));
  };
  const d = next(prf.length);
  const ai = next(lengths.integrity);
  const ar = next(lengths.integrity);
  const ei = next(lengths.encryption);
  const er = next(lengths.encryption);
  const keys = { suite, prf, d, ai, ar, ei, er, pi: next(prf.length), pr: next(prf.length) };
  material.fill(0);
  seed.fill(0);
  return keys;
}

function owned(octets: Uint8Array): Secret {
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}

export const PPK_CONFIRMATION_OCTETS = 8;
const FIXED_KEY_NONCE = 8;
const EMPTY = new Uint8Array(0);
