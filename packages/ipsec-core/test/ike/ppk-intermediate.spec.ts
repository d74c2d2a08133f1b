import { describe, expect, it } from 'vitest';
import { nodeCryptoProvider } from '../../providers/node-crypto/node-crypto-provider.js';
import { Secret } from '../../src/bytes/secret.js';
import type { Ppk, PpkConfiguration, PpkMixing } from '../../src/ike/connection.js';
import { explainHistory } from '../../src/ike/history/explain-history.js';
import type { IkePair, PairEnd } from '../../src/testing/pair.js';
import {
  ANYWHERE,
  agreement,
  connection,
  establishedPair,
  HYBRID,
  identity,
  type MakePair,
  makePair,
  TWICE_HYBRID,
  toyKeyExchange,
} from './fixtures.js';

const ppk = (name: string, octet = name.length): Ppk => ({
  id: { type: 'fixed', data: Uint8Array.from(name, (character) => character.charCodeAt(0)) },
  key: new Secret(new Uint8Array(32).fill(octet)),
});
/** With IKE_INTERMEDIATE where the peer can; `mixing` says what alone is to be. */
const uses = (required: boolean, keys: readonly Ppk[], mixing?: PpkMixing): { readonly ppk: PpkConfiguration } => ({
  ppk: { keys, required, ...(mixing === undefined ? {} : { mixing }) },
});

function quick(options: MakePair): IkePair {
  return establishedPair({ keyExchange: toyKeyExchange, engine: { provider: nodeCryptoProvider }, ...options });
}

const protectionAt = (end: PairEnd) => end.events.find(({ kind }) => kind === 'ike-established');
/** What this end said, by exchange. */
const said = (end: PairEnd): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    end.engine
      .associations()
      .flatMap(({ lineage }) => explainHistory(lineage.history.entries))
      .flatMap((entry) =>
        entry.kind === 'message' && entry.direction === 'sent'
          ? [[`${entry.exchange} ${entry.id}`, entry.payloads as readonly string[]]]
          : [],
      ),
  );

describe('Postquantum preshared keys in IKE_INTERMEDIATE (RFC 9867)', () => {
  it.each([true, false])('are mixed in before IKE_AUTH, and both ends say so: required %s', (required) => {
    const key = uses(required, [ppk('a')]);
    const pair = quick({ leftConnection: key, rightConnection: key });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    const [initiator, responder] = [said(pair.left), said(pair.right)];
    expect(initiator['IKE_SA_INIT 0']).toEqual(expect.arrayContaining(['N(USE_PPK_INT)', 'N(USE_PPK)']));
    expect(responder['IKE_SA_INIT 0']).toContain('N(USE_PPK_INT)');
    expect(responder['IKE_SA_INIT 0']).not.toContain('N(USE_PPK)');
    expect(initiator['IKE_INTERMEDIATE 1']).toEqual(['N(PPK_IDENTITY_KEY)']);
    expect(responder['IKE_INTERMEDIATE 1']).toEqual(['N(PPK_IDENTITY)']);
    for (const end of [initiator, responder]) expect(end['IKE_AUTH 2']?.join()).not.toMatch(/PPK/);
  });

  it('change all keys of the IKE SA, of the Child SA, and of what follows from rekeys', () => {
    const keysWith = (octet: number | undefined) => {
      const key = octet === undefined ? {} : uses(true, [ppk('a', octet)]);
      const pair = quick({ seed: 7, leftConnection: key, rightConnection: key });
      const [sa] = pair.left.engine.associations();
      const ike = (['ei', 'er', 'd', 'pi', 'pr'] as const).map((name) =>
        sa?.keys[name].reveal((octets) => octets.join()),
      );
      const first = pair.left.sad.current()?.outboundKey;
      pair.give(pair.right, { kind: 'rekey-ike', connection: 'left-right' });
      pair.runFor(2000);
      pair.give(pair.left, { kind: 'rekey-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
      pair.runFor(2000);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
      return [...ike, first, pair.left.sad.current()?.outboundKey];
    };
    const [none = [], one = [], other = []] = [keysWith(undefined), keysWith(1), keysWith(2)];
    for (const [index, key] of none.entries()) expect(new Set([key, one[index], other[index]]).size).toBe(3);
  });

  it.each([
    ['one', HYBRID, 1],
    ['two', TWICE_HYBRID, 2],
  ] as const)(
    'come with the last of %s additional key exchanges, after which they are mixed in',
    (_, suite, exchanges) => {
      const hybrid = { proposals: [suite], ...uses(true, [ppk('a')]) };
      const pair = quick({ leftConnection: hybrid, rightConnection: hybrid });
      for (const end of [pair.left, pair.right])
        expect(protectionAt(end)).toMatchObject({ postQuantum: ['kem', 'ppk'] });
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
      for (let id = 1; id <= exchanges; id++) {
        const offers = id === exchanges ? ['N(PPK_IDENTITY_KEY)'] : [];
        expect(said(pair.left)[`IKE_INTERMEDIATE ${id}`]).toEqual(['KE', ...offers]);
      }
      expect(said(pair.left)).not.toHaveProperty(`IKE_INTERMEDIATE ${exchanges + 1}`);
    },
  );

  it('are offered all, and the first that the responder has by that name and with that key is taken', () => {
    const pair = quick({
      leftConnection: uses(true, [ppk('gone', 1), ppk('changed', 2), ppk('common', 3)]),
      rightConnection: uses(true, [ppk('common', 3), ppk('changed', 4)]),
    });
    expect(said(pair.left)['IKE_INTERMEDIATE 1']).toEqual(Array(3).fill('N(PPK_IDENTITY_KEY)'));
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
  });

  it.each([
    ['the responder has none', uses(false, [ppk('a')]), {}],
    ['the responder has another', uses(false, [ppk('a')]), uses(false, [ppk('another')])],
    ['the keys of one PPK_ID differ', uses(false, [ppk('a', 1)]), uses(false, [ppk('a', 2)])],
    [
      'the two would mix it in at different times',
      uses(false, [ppk('a')], 'ike-auth'),
      uses(false, [ppk('a')], 'ike-intermediate'),
    ],
  ])('are optional: without, and both say so, when %s', (_, leftConnection, rightConnection) => {
    const pair = quick({ leftConnection, rightConnection });
    expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: [] });
  });

  it.each([
    ['initiator', 'ike-auth', undefined],
    ['responder', undefined, 'ike-auth'],
  ] as const)('are mixed in with IKE_AUTH where the %s can do nothing else (RFC 8784)', (_, left, right) => {
    const key = [ppk('a')];
    const pair = quick({ leftConnection: uses(true, key, left), rightConnection: uses(true, key, right) });
    for (const end of [pair.left, pair.right]) expect(protectionAt(end)).toMatchObject({ postQuantum: ['ppk'] });
    expect(said(pair.left)['IKE_AUTH 1']).toContain('N(PPK_IDENTITY)');
  });

  it.each([
    ['the responder has none', uses(true, [ppk('a')]), {}, { code: 'ppk_required' }, undefined],
    [
      'the responder has another',
      uses(true, [ppk('a')]),
      uses(false, [ppk('another')]),
      { code: 'ppk_required' },
      undefined,
    ],
    [
      'the responder requires another',
      uses(false, [ppk('a')]),
      uses(true, [ppk('another')]),
      { code: 'peer_refused', notify: 'AUTHENTICATION_FAILED' },
      { code: 'authentication_failed', detail: 'a PPK is required, and the peer uses none' },
    ],
  ])('there is no IKE SA when one is required and %s', (_, leftConnection, rightConnection, left, right) => {
    const pair = quick({ leftConnection, rightConnection });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.left.events).toMatchObject([{ kind: 'ike-failed', reason: left }]);
    if (right !== undefined) expect(pair.right.events).toMatchObject([{ kind: 'ike-attempt-failed', reason: right }]);
  });

  it('of another peer at the same address does not do', () => {
    const open = { remote: ANYWHERE };
    const pair = quick({
      leftConnection: uses(true, [ppk('of another')]),
      rightConnections: [
        connection('right', { ...open, ...uses(true, [ppk('own')]) }),
        connection('right', {
          ...open,
          name: 'other',
          remoteIdentity: identity('other'),
          ...uses(true, [ppk('of another')]),
        }),
      ],
    });
    expect(agreement(pair)).toEqual({ pairs: 0, agree: true });
    expect(pair.right.events).toMatchObject([
      { kind: 'ike-attempt-failed', reason: { detail: 'the PPK of the peer is not one of its connection' } },
    ]);
  });

  it('survive messages that are lost, doubled and overtake each other', () => {
    const key = { proposals: [HYBRID], ...uses(true, [ppk('a')]) };
    for (let seed = 1; seed <= 40; seed++) {
      const engine = { provider: nodeCryptoProvider };
      const pair = makePair({ seed, keyExchange: toyKeyExchange, engine, leftConnection: key, rightConnection: key });
      const good = pair.network.conditions;
      pair.network.conditions = { ...good, loss: 0.2, duplication: 0.3, minimumDelay: 1, maximumDelay: 60 };
      pair.give(pair.left, { kind: 'initiate', connection: 'left-right' });
      pair.runFor(8000);
      pair.network.conditions = good;
      pair.runFor(20_000);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    }
  });
});
