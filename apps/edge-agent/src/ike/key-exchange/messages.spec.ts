import { Secret } from '@weft/ipsec-core';
import type { KeyExchangeJob, KeyExchangeResult } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { secretMemory, sendJob, sendResult } from './messages.js';

/** Octets with neighbours that must not cross with them. */
const shared = new Uint8Array(1024).fill(7);
const octets = shared.subarray(32, 64);

describe('what crosses to a key exchange thread', () => {
  it.each<KeyExchangeJob>([
    { kind: 'answer-share', method: 31, peerPublic: octets },
    { kind: 'finish-share', method: 31, peerPublic: octets, privateValue: new Secret(octets) },
  ])('takes no neighbours along: $kind', (job) => {
    expect(neighboursOf(sendJob(job))).toEqual([]);
  });

  it.each<KeyExchangeResult>([
    { kind: 'share-made', publicValue: octets.slice(), privateValue: new Secret(octets) },
    { kind: 'share-answered', publicValue: octets.slice(), shared: new Secret(octets) },
    { kind: 'share-finished', shared: new Secret(octets) },
  ])('comes back without them: $kind', (result) => {
    const message = sendResult(result);
    expect(neighboursOf(message)).toEqual([]);
    // Moved, so that no copy stays behind: only what is alone can be.
    expect(secretMemory(message).map(({ byteLength }) => byteLength)).toEqual([octets.length]);
  });
});

/** Names of what would be copied to the other thread with its whole ArrayBuffer. */
function neighboursOf(message: object): readonly string[] {
  return Object.entries(message).flatMap(([name, value]) =>
    value instanceof Uint8Array && value.buffer.byteLength !== value.length ? [name] : [],
  );
}
