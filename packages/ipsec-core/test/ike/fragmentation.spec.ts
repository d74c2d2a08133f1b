import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { IkeSa } from '../../src/ike/ike-sa.js';
import { MessageProtection } from '../../src/ike/protection.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { encodeHeader, HEADER_LENGTH } from '../../src/wire/ike/header.js';
import { EXCHANGE, PAYLOAD } from '../../src/wire/ike/iana.js';
import { parseMessage } from '../../src/wire/ike/message.js';
import { NOTIFY } from '../../src/wire/ike/notify-registry.js';
import { encodeChain } from '../../src/wire/ike/payload-chain.js';
import type { EncryptedFragmentPayload } from '../../src/wire/ike/payloads/encrypted-fragment.js';
import { notify } from '../../src/wire/ike/payloads/notify.js';
import { agreement, establishedPair, LEFT, makePair, RIGHT, toyKeyExchange } from './fixtures.js';
import { rawRequest } from './raw-message.js';

const quick = { keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider } };
const small = { leftConnection: { fragmentSize: 150 }, rightConnection: { fragmentSize: 150 } };

interface Part {
  readonly octets: Uint8Array;
  readonly payload: EncryptedFragmentPayload;
}
const parts = (pair: IkePair, from: string): readonly Part[] =>
  pair.sent.flatMap((sent) => {
    const parsed = parseMessage(sent.octets);
    const payload = parsed.ok ? parsed.value.payloads[0] : undefined;
    return sent.from === from && payload?.kind === 'SKF' ? [{ octets: sent.octets, payload }] : [];
  });
const receive = (pair: IkePair, end: PairEnd, octets: Uint8Array) => {
  const [own, other] = end === pair.left ? [LEFT, RIGHT] : [RIGHT, LEFT];
  const endpoints = { local: { address: own, port: 500 }, remote: { address: other, port: 500 } };
  pair.give(end, { kind: 'datagram', ...endpoints, octets });
};

afterEach(() => vi.restoreAllMocks());

describe('Fragmentation of IKE messages (RFC 7383)', () => {
  it('is offered by notification 16430, of protocol 0, without SPI and data, by both ends (section 2.3)', () => {
    const pair = establishedPair(quick);
    for (const { octets } of pair.sent.slice(0, 2)) {
      const message = parseMessage(octets);
      const payloads = message.ok ? message.value.payloads : [];
      const offer = payloads.find((payload) => payload.kind === 'N' && payload.type === 16430);
      expect(offer).toMatchObject({ protocol: 0, spi: new Uint8Array(0), data: new Uint8Array(0) });
    }
  });

  it('cuts a message into numbered parts of one header, the type of the first payload in the first alone', () => {
    const pair = establishedPair({ ...quick, ...small });
    const request = parts(pair, 'left');
    expect(request.length).toBeGreaterThan(1);
    expect(request.map(({ payload }) => [payload.number, payload.total])).toEqual(
      request.map((_, index) => [index + 1, request.length]),
    );
    expect(request.map(({ payload }) => payload.firstInner)).toEqual(
      request.map((_, index) => (index === 0 ? PAYLOAD.IDi : PAYLOAD.NONE)),
    );
    const headers = request.map(({ octets }) => octets.slice(0, HEADER_LENGTH - 4).join());
    expect(new Set(headers).size).toBe(1);
    expect(Math.max(...request.map(({ octets }) => octets.length))).toBeLessThanOrEqual(150);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([false, true])(
    'never cuts where the peer did not say that it can put together (the responder: %s)',
    (responder) => {
      const { encodeClear } = IkeSa.prototype;
      vi.spyOn(IkeSa.prototype, 'encodeClear').mockImplementation(function (this: IkeSa, response, payloads) {
        const kept = payloads.filter(
          (each) => each.kind !== 'N' || response !== responder || each.type !== NOTIFY.IKEV2_FRAGMENTATION_SUPPORTED,
        );
        return encodeClear.call(this, response, kept);
      });
      const pair = establishedPair({ ...quick, ...small });
      expect(parts(pair, responder ? 'left' : 'right')).toEqual([]);
      expect(parts(pair, responder ? 'right' : 'left')).not.toEqual([]);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    },
  );

  it('answers a repeated request once more for its first part, and for no other (section 2.6.1)', () => {
    const pair = establishedPair({ ...quick, ...small });
    const request = parts(pair, 'left');
    const answer = parts(pair, 'right').map(({ octets }) => octets);
    for (const { octets, payload } of [...request].reverse()) {
      const before = pair.sent.length;
      receive(pair, pair.right, octets);
      const sent = pair.sent.slice(before).map((each) => each.octets);
      expect(sent).toEqual(payload.number === 1 ? answer : []);
    }
  });

  it('a part that somebody changed, or with numbers that cannot be, does not disturb the others (section 2.6)', () => {
    let spoiled = 0;
    const pair = makePair({ ...quick, ...small });
    const spoil = (octets: Uint8Array) => {
      for (const [at, value] of [
        [33, 0],
        [33, 99],
        [35, 1],
        [35, 0],
        [octets.length - 1, 7],
      ] as const) {
        const changed = octets.slice();
        changed[at] = (changed[at] ?? 0) ^ value || value;
        receive(pair, pair.right, changed);
        spoiled++;
      }
    };
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    while (parts(pair, 'left').length === 0 && pair.step(5000));
    for (const { octets } of parts(pair, 'left')) spoil(octets);
    expect(spoiled).toBeGreaterThan(5);
    pair.runFor(5000);
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it('of more parts than any message has end the IKE SA (section 5)', () => {
    const pair = establishedPair({ ...quick, ...small });
    const [sa] = pair.left.engine.associations();
    const payloads = [notify('INITIAL_CONTACT', new Uint8Array(30_000))];
    const request = { purpose: { kind: 'inform' }, exchange: EXCHANGE.INFORMATIONAL, payloads } as const;
    const { datagrams = [] } = sa?.request({ ...request, onResponse: () => undefined }, pair.now) ?? {};
    expect(datagrams.length).toBeGreaterThan(128);
    for (const octets of datagrams) receive(pair, pair.right, octets.slice());
    expect(pair.right.events.at(-1)).toMatchObject({ kind: 'ike-failed', reason: { code: 'invalid_message' } });
    expect([pair.right.engine.associations(), pair.right.sad.installed.size]).toEqual([[], 0]);
  });
});

describe('What AUTH covers of an IKE_INTERMEDIATE message (RFC 9242 section 3.3.2)', () => {
  it('is its header as it came, reserved bits included, with the lengths of what is not encrypted', () => {
    const pair = establishedPair(quick);
    const [sa] = pair.left.engine.associations();
    if (sa === undefined) throw new Error('There is no IKE SA.');
    const { first, octets } = encodeChain([notify('INITIAL_CONTACT')]);
    const request = { exchange: EXCHANGE.IKE_INTERMEDIATE, messageId: 1, first, octets, reserved: 0x55 };
    const message = rawRequest(sa, request);
    const parsed = parseMessage(message);
    if (!parsed.ok) throw new Error(parsed.problem.code);
    const peer = new MessageProtection(sa.keys, 'responder', nodeCryptoProvider, sa.host.random);
    const opening = peer.open(message, parsed.value, true, 0);
    const header = encodeHeader(parsed.value.header, PAYLOAD.SK, HEADER_LENGTH + 4 + octets.length);
    expect(opening).toMatchObject({
      kind: 'opened',
      message: {
        plaintext: octets,
        intermediateHeader: Uint8Array.of(...header, first, 0x55, 0, 4 + octets.length),
      },
    });
  });
});
