import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { toHex } from '../../src/bytes/hex.js';
import type { ChildlessPolicy, Connection } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import { EXCHANGE, KE } from '../../src/wire/ike/iana.js';
import {
  agreement,
  connection,
  ESP_HYBRID,
  establishedPair,
  HYBRID,
  makePair,
  prefix,
  toyKeyExchange,
} from './fixtures.js';

function pairOf(left: Partial<Connection>, right: Partial<Connection>): IkePair {
  return establishedPair({
    keyExchange: toyKeyExchange,
    engine: { provider: nodeCryptoProvider },
    leftConnection: left,
    rightConnection: right,
  });
}

const exchanges = (end: PairEnd) =>
  end.engine
    .associations()
    .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
    .filter((entry) => entry.kind === 'message')
    .filter(({ direction }) => direction === 'sent')
    .map(({ exchange, response }) => `${exchange} ${response ? 'response' : 'request'}`);
const childless = ({ left }: IkePair) => exchanges(left).includes('CREATE_CHILD_SA request');

describe('Childless IKE SAs (RFC 6023)', () => {
  const POLICIES: readonly ChildlessPolicy[] = ['never', 'allow', 'prefer', 'force'];

  it.each(POLICIES.flatMap((left) => POLICIES.map((right) => [left, right] as const)))(
    'the initiator says %s, the responder %s',
    (left, right) => {
      const pair = pairOf({ childless: left }, { childless: right });
      const begins = left === 'prefer' || left === 'force';
      const fails = (left === 'force' && right === 'never') || (right === 'force' && !begins);
      expect(agreement(pair)).toEqual({ pairs: fails ? 0 : 1, agree: true });
      if (!fails) expect(childless(pair)).toBe(begins && right !== 'never');
      else if (right === 'never') {
        expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'childless_required' } }]);
        expect(exchanges(pair.right)).not.toContain('IKE_AUTH response');
      } else {
        expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'INVALID_SYNTAX' } }]);
      }
    },
  );

  it('CHILDLESS_IKEV2_SUPPORTED names the IKE SA as what it is about, without an SPI or data (section 4)', () => {
    const pair = pairOf({ childless: 'prefer' }, { childless: 'allow' });
    const answer = pair.sent.find(({ from }) => from === 'right');
    // Payload length 8, protocol 1, no SPI, type 16418.
    expect(toHex(answer?.octets ?? Uint8Array.of())).toContain('000801004022');
  });

  it('every Child SA comes by CREATE_CHILD_SA with a key exchange of its own, the first as well', () => {
    const children = (side: 'left' | 'right') =>
      ['a', 'b'].flatMap((name, index) =>
        connection(side).children.map((child) => {
          const [own, other] = side === 'left' ? [1, 2] : [2, 1];
          return {
            ...child,
            name,
            proposals: [ESP_HYBRID],
            local: [prefix(10, own, index)],
            remote: [prefix(10, other, index)],
          };
        }),
      );
    const changes = (side: 'left' | 'right'): Partial<Connection> => ({
      childless: 'prefer',
      proposals: [HYBRID],
      children: children(side),
    });
    const pair = pairOf(changes('left'), changes('right'));
    expect(agreement(pair)).toEqual({ pairs: 2, agree: true });
    for (const { association } of pair.left.sad.standing()) {
      expect(association.suite).toMatchObject({
        keyExchange: KE.CURVE25519,
        additionalKeyExchanges: [KE.ML_KEM_768],
      });
    }
    const { right } = pair;
    const ofAuth = right.engine
      .associations()
      .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
      .filter((entry) => entry.kind === 'message')
      .filter(({ exchange }) => exchange === 'IKE_AUTH')
      .flatMap(({ payloads }) => payloads);
    expect(ofAuth).toContain('AUTH');
    for (const payload of ['SA', 'TSi', 'TSr']) expect(ofAuth).not.toContain(payload);
  });

  it('the configuration payload comes in IKE_AUTH, and the Child SAs are for what it assigned', () => {
    const child = connection('left').children[0];
    if (child === undefined) throw new Error('No child is configured.');
    const address = Uint8Array.of(10, 9, 0, 1);
    const pair = pairOf(
      {
        childless: 'force',
        configuration: { kind: 'client', families: [4], dns: false },
        children: [{ ...child, local: 'virtual', remote: [prefix(10, 2, 0)] }],
      },
      {
        configuration: {
          kind: 'server',
          pools: [{ first: address, last: address }],
          dns: [],
          domains: [],
          required: true,
        },
        children: [{ ...child, local: [prefix(10, 2, 0)], remote: 'virtual' }],
      },
    );
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    expect(pair.left.sad.current()?.association.local).toMatchObject([{ first: address, last: address }]);
  });

  it('authenticates anew in the same way', () => {
    const pair = pairOf({ childless: 'prefer' }, {});
    pair.trafficInterval = 1;
    pair.give(pair.left, { kind: 'reauthenticate', connection: 'left-right' });
    pair.runFor(1000);
    pair.give(pair.right, { kind: 'reauthenticate', connection: 'left-right' });
    pair.runFor(1000);
    pair.trafficInterval = undefined;
    pair.runFor(300_000);
    expect({ losses: pair.losses, ...agreement(pair) }).toEqual({ losses: [], pairs: 1, agree: true });
  });

  it('a request without Child SA that was not allowed is INVALID_SYNTAX', () => {
    // It was allowed when IKE_SA_INIT was answered, and is not any more.
    let asked = 0;
    const mutate = (from: string, octets: Uint8Array) => {
      if (from === 'left' && octets[18] === EXCHANGE.IKE_AUTH) asked++;
      return octets;
    };
    const pair = makePair({
      keyExchange: toyKeyExchange,
      engine: { provider: nodeCryptoProvider },
      mutate,
      leftConnection: { childless: 'force' },
      rightConnection: { childless: 'allow' },
    });
    pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
    pair.runFor(12);
    pair.give(pair.right, { kind: 'configure', connections: [connection('right', { childless: 'never' })] });
    pair.runFor(5000);
    expect(asked).toBe(1);
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: { notify: 'INVALID_SYNTAX' } }]);
  });

  it('a connection without children is childless, or is not: nothing else may be asked for', () => {
    const up = pairOf({ children: [] }, {});
    expect(up.left.events.map(({ kind }) => kind)).toEqual(['ike-established']);
    expect(agreement(up)).toEqual({ pairs: 0, agree: true });
    const down = pairOf({ children: [] }, { childless: 'never' });
    expect(down.left.events).toMatchObject([{ kind: 'ike-failed', reason: { code: 'childless_required' } }]);
  });
});
