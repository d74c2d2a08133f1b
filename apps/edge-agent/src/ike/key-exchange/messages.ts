import { Secret } from '@weft/ipsec-core';
import type { KeyExchangeJob, KeyExchangeResult } from '@weft/ipsec-core/ike';

/** A job or a result as it crosses between threads: a Secret does not, its octets are moved. */
export type Crossing<T> = { readonly [K in keyof T]: T[K] extends Secret ? Uint8Array : T[K] };

export type CrossingJob = KeyExchangeJob extends infer Job ? (Job extends unknown ? Crossing<Job> : never) : never;
export type CrossingResult = KeyExchangeResult extends infer Result
  ? Result extends unknown
    ? Crossing<Result>
    : never
  : never;

/** Copies what it needs, so that nothing of the engine's is moved away. The octets are the other thread's to wipe. */
export function sendJob(job: KeyExchangeJob): CrossingJob {
  if (job.kind === 'make-share') return job;
  // What came from a socket may be a Buffer, whose `slice` would not copy.
  const peerPublic = new Uint8Array(job.peerPublic);
  if (job.kind === 'answer-share') return { ...job, peerPublic };
  return { ...job, peerPublic, privateValue: job.privateValue.reveal((octets) => octets.slice()) };
}

export function receiveJob(job: CrossingJob): KeyExchangeJob {
  return job.kind === 'finish-share' ? { ...job, privateValue: take(job.privateValue) } : job;
}

/** Wipes the secret of the result: it goes on as octets. */
export function sendResult(result: KeyExchangeResult): CrossingResult {
  switch (result.kind) {
    case 'share-made':
      return { ...result, privateValue: give(result.privateValue) };
    case 'share-answered':
    case 'share-finished':
      return { ...result, shared: give(result.shared) };
    case 'share-refused':
      return result;
  }
}

export function receiveResult(result: CrossingResult): KeyExchangeResult {
  switch (result.kind) {
    case 'share-made':
      return { ...result, privateValue: take(result.privateValue) };
    case 'share-answered':
    case 'share-finished':
      return { ...result, shared: take(result.shared) };
    case 'share-refused':
      return result;
  }
}

/** The memory to move, so that no copy of a secret stays behind in the sender. */
export function secretMemory(message: CrossingJob | CrossingResult): ArrayBuffer[] {
  const octets = 'privateValue' in message ? message.privateValue : 'shared' in message ? message.shared : undefined;
  return octets === undefined ? [] : [octets.buffer as ArrayBuffer];
}

function give(secret: Secret): Uint8Array {
  const octets = secret.reveal((inner) => inner.slice());
  secret.wipe();
  return octets;
}

function take(octets: Uint8Array): Secret {
  const secret = new Secret(octets);
  octets.fill(0);
  return secret;
}
