import type { Secret } from '../bytes/secret.js';
import {
  KeyExchangeError,
  type KeyExchangeErrorCode,
  type KeyExchangeProvider,
  type RandomSource,
} from '../crypto/ike/key-exchange/key-exchange.js';

/** A computation of a method that takes long (KeyExchangeProvider.costly): the host does it beside the engine. */
export type KeyExchangeJob =
  | { readonly kind: 'make-share'; readonly method: number }
  | { readonly kind: 'answer-share'; readonly method: number; readonly peerPublic: Uint8Array }
  /** The private value is as `share-made` brought it. Whoever does the job need not wipe it. */
  | {
      readonly kind: 'finish-share';
      readonly method: number;
      readonly privateValue: Secret;
      readonly peerPublic: Uint8Array;
    };

/** Its secrets are the engine's to wipe. */
export type KeyExchangeResult =
  | { readonly kind: 'share-made'; readonly publicValue: Uint8Array; readonly privateValue: Secret }
  | { readonly kind: 'share-answered'; readonly publicValue: Uint8Array; readonly shared: Secret }
  | { readonly kind: 'share-finished'; readonly shared: Secret }
  | { readonly kind: 'share-refused'; readonly code: KeyExchangeErrorCode };

/** Does the job in the calling thread, with the provider that the engine has. Throws nothing that a peer could cause. */
export function runKeyExchangeJob(
  provider: KeyExchangeProvider,
  random: RandomSource,
  job: KeyExchangeJob,
): KeyExchangeResult {
  try {
    switch (job.kind) {
      case 'make-share': {
        const { publicValue, privateValue } = provider.initiate(job.method, random);
        return { kind: 'share-made', publicValue, privateValue };
      }
      case 'answer-share':
        return { kind: 'share-answered', ...provider.respond(job.method, job.peerPublic, random) };
      case 'finish-share':
        return { kind: 'share-finished', shared: provider.finish(job.method, job.privateValue, job.peerPublic) };
    }
  } catch (error) {
    if (error instanceof KeyExchangeError) return { kind: 'share-refused', code: error.code };
    throw error;
  }
}
