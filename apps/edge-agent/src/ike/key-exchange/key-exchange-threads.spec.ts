import { Secret, toHex } from '@weft/ipsec-core';
import { KE, type KeyExchangeResult } from '@weft/ipsec-core/ike';
import { nodeKeyExchange, nodeRandom } from '@weft/ipsec-core/node-crypto';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { KeyExchangeThreads, type KeyExchangeThreadsOptions } from './key-exchange-threads.js';

/** A thread has the loader of the sources, not that of the test runner. */
const execArgv = ['--conditions=source', '--import', '@oxc-node/core/register'];
const random = nodeRandom();
/** A thread takes seconds to load the sources: most tests share one. */
const shared = new KeyExchangeThreads({ execArgv, threads: 1 });
let threads: KeyExchangeThreads | undefined;

function start(options: KeyExchangeThreadsOptions): KeyExchangeThreads {
  threads = new KeyExchangeThreads({ execArgv, ...options });
  return threads;
}

afterEach(() => threads?.close());
afterAll(() => shared.close());

describe('threads for key exchanges', () => {
  it.each([KE.ML_KEM_768, KE.MODP_2048, KE.ECP_521, KE.CURVE448])(
    'method %i: both ends have one secret',
    async (method) => {
      const own = start({ threads: 2 });
      const made = await own.run({ kind: 'make-share', method });
      if (made.kind !== 'share-made') throw new Error(made.kind);
      const answered = nodeKeyExchange.respond(method, made.publicValue, random);
      const { privateValue } = made;
      const peerPublic = answered.publicValue;
      const finished = await shared.run({ kind: 'finish-share', method, privateValue, peerPublic });
      expect(secretOf(finished)).toBe(answered.shared.reveal(toHex));
      // It was copied: the engine's own is the engine's to wipe, and its peer's value is still there.
      expect(privateValue.reveal((octets) => octets.some((octet) => octet !== 0))).toBe(true);
      expect(peerPublic.length).toBeGreaterThan(0);
    },
  );

  it('may be started ahead, and once', async () => {
    const own = start({ threads: 1 });
    own.start();
    own.start();
    expect((await own.run({ kind: 'make-share', method: KE.ECP_384 })).kind).toBe('share-made');
    expect(own.refused).toBe(0);
  });

  it('end when there was no job for a while, and start again with the next; one at work stays', async () => {
    let rest: () => void = () => undefined;
    const after = (_: number, run: () => void) => {
      rest = run;
      return () => undefined;
    };
    let rested = 0;
    const own = start({ threads: 1, after, rested: () => rested++ });
    const job = { kind: 'make-share', method: KE.ECP_384 } as const;
    const first = own.run(job);
    rest();
    expect((await first).kind).toBe('share-made');
    expect(own.running).toBe(1);
    rest();
    // It is taken by another thread, when this one has ended.
    expect((await own.run(job)).kind).toBe('share-made');
    expect(rested).toBe(0);
    rest();
    await expect.poll(() => rested).toBe(1);
    expect(own.running).toBe(0);
    expect((await own.run(job)).kind).toBe('share-made');
    expect(own.refused).toBe(0);
  });

  it('answer the share of a peer, and refuse one that is none', async () => {
    const peer = nodeKeyExchange.initiate(KE.ML_KEM_768, random);
    const answered = await shared.run({ kind: 'answer-share', method: KE.ML_KEM_768, peerPublic: peer.publicValue });
    if (answered.kind !== 'share-answered') throw new Error(answered.kind);
    expect(peer.finish(answered.publicValue).reveal(toHex)).toBe(secretOf(answered));
    const bad = { kind: 'answer-share', method: KE.ECP_384, peerPublic: new Uint8Array(96) } as const;
    expect(await shared.run(bad)).toEqual({ kind: 'share-refused', code: 'bad_public_value' });
  });

  it('refuse, and count, what exceeds the queue', async () => {
    const own = start({ threads: 1, maximumWaiting: 2 });
    const results = await Promise.all(
      Array.from({ length: 5 }, () => own.run({ kind: 'make-share', method: KE.ECP_521 })),
    );
    expect(results.map(({ kind }) => kind)).toEqual([
      'share-made',
      'share-made',
      'share-made',
      'share-refused',
      'share-refused',
    ]);
    expect(own.refused).toBe(2);
  });

  it('refuse what a thread that ended had, and go on with another', async () => {
    // A method that is none makes no fault; a private value of another length does.
    const privateValue = new Secret(new Uint8Array(3));
    const peerPublic = nodeKeyExchange.initiate(KE.ML_KEM_768, random).publicValue.subarray(0, 1088);
    const finish = { kind: 'finish-share', method: KE.ML_KEM_768, privateValue, peerPublic } as const;
    expect(await shared.run(finish)).toEqual({ kind: 'share-refused', code: 'not_computed' });
    expect((await shared.run({ kind: 'make-share', method: KE.ECP_384 })).kind).toBe('share-made');
  });

  it('refuse everything once they are closed', async () => {
    const own = start({ threads: 1 });
    const underWay = own.run({ kind: 'make-share', method: KE.MODP_8192 });
    const waiting = own.run({ kind: 'make-share', method: KE.ECP_384 });
    await own.close();
    for (const result of await Promise.all([underWay, waiting, own.run({ kind: 'make-share', method: KE.ECP_384 })])) {
      expect(result).toEqual({ kind: 'share-refused', code: 'not_computed' });
    }
  });
});

function secretOf(result: KeyExchangeResult): string {
  return 'shared' in result ? result.shared.reveal(toHex) : result.kind;
}
