import { describe, expect, it } from 'vitest';
import {
  encodeKeyShare,
  type KeyShareContent,
  parseKeyShare,
  signedOctets,
} from '../../src/blind/key-share-message.js';
import { describeRefusal, type Refusal } from '../../src/blind/refusal.js';
import { fromHex, toHex } from '../../src/bytes/hex.js';
import { MINUTE, type Name, signatureOf } from './end.js';
import { World } from './world.js';

/** Two ends whose messages went through, and what the relay has seen of them: the offer, the answer, and the offer with its confirmation. */
function relayed(): { world: World; offer: Uint8Array; answer: Uint8Array; confirmed: Uint8Array } {
  const world = new World(21).begin();
  const [offer, confirmed] = world.ends.a.published;
  const [answer] = world.ends.b.published;
  if (offer === undefined || answer === undefined || confirmed === undefined) throw new Error('Nothing was relayed.');
  return { world, offer, answer, confirmed };
}

/** Two ends of which one has offered and the other has heard nothing. */
function offered(): { world: World; offer: Uint8Array } {
  const world = new World(22);
  world.start('a');
  world.start('b');
  world.ends.a.connected = true;
  world.run(100);
  const offer = world.relayed.a;
  if (offer === undefined) throw new Error('Nothing was offered.');
  return { world, offer };
}

/** What an end makes of a message; nothing of the keys that it has may move. */
function refusedBy(world: World, name: Name, octets: Uint8Array): Refusal[] {
  const end = world.ends[name];
  const before = [end.refusals.length, toHex(end.disk ?? new Uint8Array(0)), [...end.inbound.keys()]] as const;
  world.tell(name, { kind: 'message', octets });
  world.run(500);
  expect(toHex(end.disk ?? new Uint8Array(0))).toBe(before[1]);
  expect([...end.inbound.keys()]).toEqual(before[2]);
  return end.refusals.slice(before[0]);
}

/** The same message with something else in it, under the signature that it had. */
function altered(octets: Uint8Array, change: (content: KeyShareContent) => KeyShareContent): Uint8Array {
  const parsed = parseKeyShare(octets);
  if (!parsed.ok) throw new Error('The message cannot be read.');
  return encodeKeyShare({ ...parsed.value, signed: signedOctets(change(parsed.value.content)) });
}

describe('a controller that is not honest', () => {
  it.each([
    ['mixes fabrics', { fabric: 'other' }, { code: 'other_fabric', fabric: 'other' }],
    ['mixes tunnels', { tunnelId: 'a-c' }, { code: 'other_tunnel', tunnelId: 'a-c' }],
    ['swaps the ends', { from: 'edge-b', to: 'edge-a' }, { code: 'other_edges', from: 'edge-b', to: 'edge-a' }],
    ['sends it from a third edge', { from: 'edge-c' }, { code: 'other_edges', from: 'edge-c', to: 'edge-b' }],
    ['sends it to a third edge', { to: 'edge-c' }, { code: 'other_edges', from: 'edge-a', to: 'edge-c' }],
    ['says another suite', { suite: 'null' }, { code: 'other_suite', suite: 'null' }],
    ['raises the number', { number: 7 }, { code: 'not_authentic', reason: 'the signature is wrong' }],
    ['raises the epoch', { epoch: 9n }, { code: 'not_authentic', reason: 'the signature is wrong' }],
    ['says another root in force', { inForce: 5 }, { code: 'not_authentic', reason: 'the signature is wrong' }],
    [
      'has a share of its own',
      { x25519: new Uint8Array(32).fill(9) },
      { code: 'not_authentic', reason: 'the signature is wrong' },
    ],
    [
      'has a key of its own',
      { kem: new Uint8Array(1184).fill(9) },
      { code: 'not_authentic', reason: 'the signature is wrong' },
    ],
  ] as const)('is caught when it %s', (_how, change, refusal) => {
    const { world, offer } = offered();
    const changed = altered(offer, (content) => ({ ...content, ...change }) as KeyShareContent);
    expect(refusedBy(world, 'b', changed)).toEqual([refusal]);
    expect(describeRefusal(refusal)).toMatch(/\.$/);
  });

  it('is caught when it sends a message back, or an answer in place of an offer', () => {
    const { world, offer, answer } = relayed();
    expect(refusedBy(world, 'a', offer)).toEqual([{ code: 'wrong_role', kind: 'offer' }]);
    expect(refusedBy(world, 'b', answer)).toEqual([{ code: 'wrong_role', kind: 'answer' }]);
  });

  it('is caught when it replays what was relayed before', () => {
    const { world, offer, answer, confirmed } = relayed();
    world.run(9 * 60 * MINUTE);
    world.exchange();
    world.run(MINUTE);
    expect(world.ends.a.keying?.position.inForce).toBe(2);
    expect(refusedBy(world, 'b', offer)).toEqual([{ code: 'replayed', number: 1, known: 2 }]);
    expect(refusedBy(world, 'b', confirmed)).toEqual([{ code: 'replayed', number: 1, known: 2 }]);
    expect(refusedBy(world, 'a', answer)).toEqual([{ code: 'replayed', number: 1, known: 2 }]);
    expect(world.disagreements()).toEqual([]);
  });

  it('is caught when it cuts or lengthens a message, wherever it does', () => {
    const { world, offer } = offered();
    for (const length of [0, 1, 2, 5, 20, 100, offer.length - 40, offer.length - 1]) {
      expect(refusedBy(world, 'b', offer.subarray(0, length))[0]?.code).toBe('malformed');
    }
    expect(refusedBy(world, 'b', Uint8Array.of(...offer, 0))[0]?.code).toBe('malformed');
    expect(refusedBy(world, 'b', new Uint8Array(20_000).fill(1))[0]?.code).toBe('malformed');
    expect(refusedBy(world, 'b', Uint8Array.of(2, ...offer.subarray(1)))).toEqual([
      { code: 'other_version', version: 2 },
    ]);
  });

  it('is caught whatever octet of a message it changes, and then does no more than delay', () => {
    const { offer } = offered();
    for (let at = 0; at < offer.length; at += 13) {
      const { world } = offered();
      const changed = offer.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect({ at, refusals: refusedBy(world, 'b', changed).length }).toEqual({ at, refusals: 1 });
      expect(world.ends.b.inbound.size).toBe(0);
    }
  });

  it('is caught when it confirms in the place of an edge', () => {
    const world = new World(23).begin();
    const parsed = parseKeyShare(world.ends.a.published[0] ?? new Uint8Array(0));
    if (!parsed.ok) throw new Error('The message cannot be read.');
    const forged = encodeKeyShare({ ...parsed.value, confirmation: new Uint8Array(48).fill(1) });
    expect(refusedBy(world, 'b', forged)).toEqual([{ code: 'bad_confirmation', number: 1 }]);
  });

  it('has an accomplice that signs what is no share: both ends say so, and ask again half a minute later', () => {
    const { world, offer } = offered();
    const parsed = parseKeyShare(offer);
    if (!parsed.ok) throw new Error('The message cannot be read.');
    for (const none of [{ x25519: new Uint8Array(32) }, { kem: new Uint8Array(1184).fill(0xff) }]) {
      const signed = signedOctets({ ...parsed.value.content, ...none } as KeyShareContent);
      const forged = encodeKeyShare({ ...parsed.value, signed, signature: signatureOf('a', signed) });
      expect(refusedBy(world, 'b', forged)).toMatchObject([{ code: 'bad_share' }]);
    }
    const [known] = new World(22).begin().ends.b.published;
    const answer = parseKeyShare(known ?? new Uint8Array(0));
    if (!answer.ok) throw new Error('The message cannot be read.');
    const signed = signedOctets({ ...answer.value.content, x25519: new Uint8Array(32) });
    const { a } = world.ends;
    const published = a.published.length;
    const forged = encodeKeyShare({ ...answer.value, signed, signature: signatureOf('b', signed) });
    world.tell('a', { kind: 'message', octets: forged });
    world.run(1_000);
    expect(a.refusals.at(-1)?.code).toBe('bad_share');
    expect(a.published).toHaveLength(published);
    world.run(MINUTE);
    expect(a.published.length).toBeGreaterThan(published);
  });

  it('is caught when it is of an epoch that is over', () => {
    const { world } = relayed();
    const [offer] = new World(24, { epoch: 2n }).begin().ends.a.published;
    expect(refusedBy(world, 'b', offer ?? new Uint8Array(0))).toEqual([
      { code: 'superseded_epoch', epoch: 2n, known: 3n },
    ]);
  });

  it('cannot keep a tunnel that it has kept back from coming up, once it relays again', () => {
    const { world, offer } = offered();
    world.run(20 * 60 * MINUTE);
    expect(
      refusedBy(
        world,
        'b',
        altered(offer, (content) => ({ ...content, number: 3 })),
      ),
    ).toHaveLength(1);
    world.connect('a');
    world.connect('b');
    world.run(MINUTE);
    world.exchange();
    expect(world.waited).toBe(0);
    expect(world.disagreements()).toEqual([]);
  });

  it('has seen and stored no octet of what either edge keeps to itself', () => {
    const { world } = relayed();
    world.run(20 * 60 * MINUTE);
    world.exchange();
    const seen = world.everRelayed.map(toHex).join('|');
    const secrets = [...world.ends.a.secrets, ...world.ends.b.secrets];
    expect(secrets.length).toBeGreaterThan(8);
    for (const secret of secrets) {
      expect(fromHex(secret)).toHaveLength(36);
      for (let at = 0; at + 16 <= secret.length; at += 8) expect(seen).not.toContain(secret.slice(at, at + 16));
    }
  });
});
