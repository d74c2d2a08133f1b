import { describe, expect, it } from 'vitest';
import type { ExternalPeer, Group, Policy, Tunnel } from '../../api/index.js';
import {
  espProposalText,
  ikeProposalText,
  innerAddresses,
  nounOf,
  peersText,
  proofText,
  rulesNaming,
} from './wording.js';

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
    expect(rulesNaming(policies, [], { id: 'p' }).map(({ text }) => text)).toEqual(['“to” of one', '“from” of two']);
  });

  it('has the rules that name the pools of a host', () => {
    const rule = (id: string, sources: object[]) => ({ id, name: id, sources, destinations: [{ kind: 'any' }] });
    const pool = (addressPoolId: string) => ({ kind: 'address_pool', addressPoolId });
    const rules = [rule('pools', [pool('v4'), pool('v6')]), rule('others', [pool('q')])];
    const policies = [{ id: 'one', name: 'one', rules }] as unknown as Policy[];
    const assigned = [{ addressPoolId: 'v6', address: '2001:db8::2' }];
    expect(rulesNaming(policies, [], { id: 'p', assigned }).map(({ text }) => text)).toEqual(['“pools” of one']);
  });

  it('has the rules that name a group that it is in', () => {
    const member = (externalPeerId: string) => ({ kind: 'external_peer', externalPeerId });
    const groups = [
      { id: 'g', members: [{ kind: 'prefix', prefix: '10.0.0.0/8' }, member('p')] },
      { id: 'h', members: [member('q')] },
    ] as unknown as Group[];
    const rule = (groupId: string) => ({
      id: groupId,
      name: groupId,
      sources: [{ kind: 'any' }],
      destinations: [{ kind: 'group', groupId }],
    });
    const policies = [{ id: 'one', name: 'one', rules: ['g', 'h', 'gone'].map(rule) }] as unknown as Policy[];
    expect(rulesNaming(policies, groups, { id: 'p' }).map(({ text }) => text)).toEqual(['“g” of one']);
  });

  it('tells gateways from remote hosts', () => {
    const gateway = { id: 'g', prefixes: ['10.8.0.0/24'] } as ExternalPeer;
    const host = { id: 'h', assigned: [{ addressPoolId: 'v4', address: '10.99.0.1' }] } as ExternalPeer;
    expect([gateway, host].map(nounOf)).toEqual(['gateway', 'remote host']);
    expect([gateway, host].map(innerAddresses)).toEqual([['10.8.0.0/24'], ['10.99.0.1']]);
    const tunnels = [{ state: 'up', externalPeer: { id: 'h' } }] as Tunnel[];
    expect(peersText([], tunnels)).toBe('0 gateways, 0 tunnels up');
    expect(peersText([gateway, host], tunnels)).toBe('1 gateway, 0 tunnels up; 1 remote host, 1 connected');
    expect(peersText([host], tunnels)).toBe('1 remote host, 1 connected');
  });
});
