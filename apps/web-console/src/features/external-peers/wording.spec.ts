import { describe, expect, it } from 'vitest';
import type { Policy } from '../../api/index.js';
import { espProposalText, ikeProposalText, proofText, rulesNaming } from './wording.js';

describe('what is said of an external peer', () => {
  it('names its algorithms as people do', () => {
    expect(ikeProposalText({ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519', 'ML-KEM-768'] })).toBe(
      'AES-256-GCM, HMAC-SHA-384, X25519 + ML-KEM-768',
    );
    expect(espProposalText({ keyBits: 128, extendedSequenceNumbers: false, keyExchange: [] })).toBe(
      'AES-128-GCM, sequence numbers of 32 bits, rekeyed without a key exchange',
    );
    expect(espProposalText({ keyBits: 256, extendedSequenceNumbers: true, keyExchange: ['X25519'] })).toBe(
      'AES-256-GCM, extended sequence numbers, rekeyed with X25519',
    );
  });

  it('counts what is pinned', () => {
    expect([proofText({}), proofText({ certificates: ['a'] }), proofText({ certificates: ['a', 'b'] })]).toEqual([
      'Pre-shared key',
      'Pinned certificate',
      '2 pinned certificates',
    ]);
  });

  it('has the rules that name it at either end', () => {
    const rule = (id: string, sources: object[], destinations: object[]) => ({ id, name: id, sources, destinations });
    const peer = { kind: 'external_peer', externalPeerId: 'p' };
    const other = { kind: 'external_peer', externalPeerId: 'q' };
    const any = { kind: 'any' };
    const policies = [
      { id: 'one', name: 'one', rules: [rule('to', [any], [other, peer]), rule('not', [any], [other])] },
      { id: 'two', name: 'two', rules: [rule('from', [peer], [any])] },
    ] as unknown as Policy[];
    expect(rulesNaming(policies, 'p').map(({ text }) => text)).toEqual(['“to” of one', '“from” of two']);
  });
});
