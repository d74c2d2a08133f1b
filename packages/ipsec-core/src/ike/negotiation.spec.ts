import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENCR, INTEG, KE, PRF, PROTOCOL, SN, TRANSFORM_TYPE } from '../wire/ike/iana.js';
import { type Proposal, type Transform, transform } from '../wire/ike/payloads/sa.js';
import { isSelectionOf, negotiate } from './negotiation.js';

const proposal = (number: number, transforms: readonly Transform[], spi = 0): Proposal => ({
  number,
  protocol: PROTOCOL.IKE,
  spi: new Uint8Array(spi),
  transforms,
});
const GCM = transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 256);
const OURS = [GCM, transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_256), transform(TRANSFORM_TYPE.KE, KE.CURVE25519)];

/** Few types and numbers, so that they often meet; type 0 of both lists is never sent. */
const anyTransform = fc.record({
  type: fc.constantFrom(1, 2, 3, 4, 5, 6, 200),
  id: fc.integer({ min: 0, max: 2 }),
  keyLength: fc.constantFrom(undefined, 128),
  unknownAttribute: fc.constantFrom(false, false, false, true),
});
const anyTransforms = fc.array(anyTransform, { maxLength: 6 });

describe('Choosing a proposal (RFC 7296 section 3.3.6)', () => {
  it('gives one transform of each type, of both lists, of the first proposal that has them, or refuses all', () => {
    fc.assert(
      fc.property(fc.array(anyTransforms, { maxLength: 4 }), anyTransforms, (offers, ours) => {
        const offered = offers.map((transforms, index) => proposal(index + 1, transforms));
        const outcome = negotiate(offered, [ours], PROTOCOL.IKE, 0);
        const acceptable = offered.find(({ transforms }) => meets(transforms, ours));
        expect(outcome.ok).toBe(acceptable !== undefined);
        if (!outcome.ok || acceptable === undefined) return;
        expect(outcome.proposal).toBe(acceptable);
        const types = outcome.transforms.map(({ type }) => type);
        expect(types).toEqual([...new Set(acceptable.transforms.map(({ type }) => type))].sort((a, b) => a - b));
        for (const chosen of outcome.transforms) {
          expect(acceptable.transforms.some((theirs) => equal(theirs, chosen) && !theirs.unknownAttribute)).toBe(true);
        }
        expect(isSelectionOf(outcome.transforms, acceptable.transforms)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes an answer for one that the offer allows only when it is such a choice', () => {
    fc.assert(
      fc.property(anyTransforms, anyTransforms, (answer, offer) => {
        const types = answer.map(({ type }) => type);
        const allowed = new Set(types).size === types.length && meets(answer, offer) && !answer.some(isStrange);
        if (isSelectionOf(answer, offer)) expect(allowed).toBe(true);
        else if (answer.every(({ id }) => id !== 0)) expect(allowed).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it.each<readonly [string, readonly Transform[]]>([
    ['a type that nobody knows', [...OURS, transform(200, 1)]],
    ['a type that nobody knows, with nothing of it', [...OURS, transform(200, 0)]],
    ['a mandatory type missing', OURS.slice(0, 2)],
    ['an attribute that nobody knows', [{ ...GCM, unknownAttribute: true }, ...OURS.slice(1)]],
    ['no key length where one is always there', [transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16), ...OURS.slice(1)]],
    ['another key length', [transform(TRANSFORM_TYPE.ENCR, ENCR.AES_GCM_16, 128), ...OURS.slice(1)]],
    [
      'a key length where there is but one',
      [GCM, transform(TRANSFORM_TYPE.PRF, PRF.HMAC_SHA2_256, 256), ...OURS.slice(2)],
    ],
    ['integrity beside a combined mode', [...OURS, transform(TRANSFORM_TYPE.INTEG, INTEG.HMAC_SHA2_256_128)]],
    ['an SPI where there is none', []],
  ])('passes over a proposal with %s, and takes the next', (_what, transforms) => {
    const bad = transforms.length === 0 ? proposal(1, OURS, 8) : proposal(1, transforms);
    expect(negotiate([bad], [OURS], PROTOCOL.IKE, 0).ok).toBe(false);
    const outcome = negotiate([bad, proposal(2, OURS)], [OURS], PROTOCOL.IKE, 0);
    expect(outcome.ok && outcome.proposal.number).toBe(2);
  });

  it('passes over a proposal for ESP that does not say which sequence numbers, whatever is accepted', () => {
    const esp = (number: number, transforms: readonly Transform[]): Proposal => ({
      ...proposal(number, transforms),
      protocol: PROTOCOL.ESP,
      spi: Uint8Array.of(1, 2, 3, 4),
    });
    for (const id of [SN.NO_ESN, SN.ESN]) {
      const own = [GCM, transform(TRANSFORM_TYPE.SN, id)];
      expect(negotiate([esp(1, [GCM])], [own], PROTOCOL.ESP, 4)).toMatchObject({
        ok: false,
        refusals: [{ differences: [{ type: 'SN', theirs: [] }] }],
      });
      expect(isSelectionOf([GCM], own)).toBe(false);
      expect(negotiate([esp(1, [GCM]), esp(2, own)], [own], PROTOCOL.ESP, 4)).toMatchObject({
        ok: true,
        transforms: own,
      });
    }
  });

  it('passes over a transform that it does not know, and takes another of its type as it was offered', () => {
    const strange = { ...GCM, unknownAttribute: true };
    const offer = [strange, transform(TRANSFORM_TYPE.ENCR, 4711), ...OURS];
    expect(negotiate([proposal(1, offer)], [OURS], PROTOCOL.IKE, 0)).toMatchObject({ ok: true, transforms: OURS });
  });
});

describe('Additional key exchanges (RFC 9370 section 2.2.1)', () => {
  const add = (n: number, ...ids: readonly number[]) => ids.map((id) => transform(TRANSFORM_TYPE.ADDKE1 + n - 1, id));
  const { ML_KEM_512, ML_KEM_768, ML_KEM_1024, NONE } = KE;
  const chosen = (theirs: readonly Transform[], ours: readonly Transform[]) => {
    const outcome = negotiate([proposal(1, [...OURS, ...theirs])], [[...OURS, ...ours]], PROTOCOL.IKE, 0);
    return outcome.ok ? outcome.transforms.slice(OURS.length) : undefined;
  };

  it('never repeat a method, and take the first choices that do not', () => {
    const all = [...add(1, ML_KEM_768, ML_KEM_512), ...add(2, ML_KEM_768, ML_KEM_1024)];
    expect(chosen(all, all)).toEqual([...add(1, ML_KEM_768), ...add(2, ML_KEM_1024)]);
    const forced = [...add(1, ML_KEM_768, ML_KEM_512), ...add(2, ML_KEM_768)];
    expect(chosen(forced, forced)).toEqual([...add(1, ML_KEM_512), ...add(2, ML_KEM_768)]);
    const twice = [...add(1, ML_KEM_768), ...add(3, ML_KEM_768)];
    expect(chosen(twice, twice)).toBeUndefined();
    const none = [...add(1, ML_KEM_768), ...add(3, ML_KEM_768, NONE)];
    expect(chosen(none, none)).toEqual([...add(1, ML_KEM_768), ...add(3, NONE)]);
    const nothing = [...add(1, NONE), ...add(2, NONE)];
    expect(chosen(nothing, nothing)).toEqual(nothing);
  });

  it('of an answer are refused when they repeat one', () => {
    const offer = [...OURS, ...add(1, ML_KEM_768, ML_KEM_512), ...add(2, ML_KEM_768)];
    expect(isSelectionOf([...OURS, ...add(1, ML_KEM_768), ...add(2, ML_KEM_768)], offer)).toBe(false);
    expect(isSelectionOf([...OURS, ...add(1, ML_KEM_512), ...add(2, ML_KEM_768)], offer)).toBe(true);
  });

  it('that one side leaves out are offered as NONE, wherever they stand', () => {
    expect(chosen([], add(5, ML_KEM_768, NONE))).toEqual([]);
    expect(chosen(add(2, ML_KEM_768, NONE), [])).toEqual(add(2, NONE));
    expect(chosen(add(2, ML_KEM_768), [])).toBeUndefined();
    expect(chosen([], add(5, ML_KEM_768))).toBeUndefined();
  });
});

/** Of every type that either lists, both list the same transform, where "not listed" is the same as 0 of a known type; they list type 5. */
function meets(theirs: readonly Transform[], ours: readonly Transform[]): boolean {
  return [...new Set([...theirs, ...ours].map(({ type }) => type))].every((type) => {
    if (type === 200 || (type === 5 && !theirs.some((each) => each.type === 5))) return false;
    const of = (all: readonly Transform[]) => {
      const listed = all.filter((each) => each.type === type);
      return listed.length === 0 ? [transform(type, 0)] : listed.filter((each) => !each.unknownAttribute);
    };
    return of(theirs).some((left) => of(ours).some((right) => equal(left, right)));
  });
}

function equal(left: Transform, right: Transform): boolean {
  return left.type === right.type && left.id === right.id && left.keyLength === right.keyLength;
}

function isStrange({ unknownAttribute }: Transform): boolean {
  return unknownAttribute;
}
