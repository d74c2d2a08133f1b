import { describe, expect, it } from 'vitest';
import { ANYWHERE, connection, HYBRID, IKE_GCM, identity, LEFT, RIGHT } from '../../test/ike/fixtures.js';
import { Secret } from '../bytes/secret.js';
import { proofRequests } from './authentication-requests.js';
import { Connections } from './connections.js';

const remote = { address: LEFT, port: 500 };
const key = new Secret(new Uint8Array(32).fill(7));

describe('connections', () => {
  it('give a peer that has not said who it is each list of proposals once, those of its address before those for anybody', () => {
    const anywhere = Array.from({ length: 3000 }, (_unused, number) =>
      connection('right', {
        name: `anywhere ${number}`,
        remote: ANYWHERE,
        proposals: number % 2 === 0 ? [[...HYBRID]] : [[...IKE_GCM]],
      }),
    );
    const there = connection('right', { name: 'there', proposals: [[...IKE_GCM]] });
    const roaming = connection('right', { name: 'roaming', remote: { kind: 'roaming', endpoint: remote } });
    const connections = new Connections([...anywhere, there, roaming]);
    const names = (address: Uint8Array) => {
      const tiers = connections.suitesFor({ address, port: 500 });
      return [tiers.there.map(({ name }) => name), tiers.anywhere.map(({ name }) => name)];
    };
    expect(names(LEFT)).toEqual([['there'], ['anywhere 0', 'anywhere 1']]);
    expect(names(RIGHT)).toEqual([[], ['anywhere 0', 'anywhere 1']]);
    expect(connections.admitting(remote)).toHaveLength(3002);
    expect([connections.calls(remote), connections.calls({ ...remote, address: RIGHT })]).toEqual([true, false]);
    connections.replace([there]);
    expect(names(RIGHT)).toEqual([[], []]);
    connections.replace([roaming]);
    expect(names(LEFT)).toEqual([['roaming'], ['roaming']]);
    expect(names(RIGHT)).toEqual([[], ['roaming']]);
  });

  it('say of NAT traversal before they know the peer what all of them say, or nothing but to look for a NAT', () => {
    const forced = connection('right', { name: 'forced', remote: ANYWHERE, natTraversal: 'forced' });
    const traversals = (others: readonly ReturnType<typeof connection>[]) =>
      new Connections([forced, ...others]).suitesFor(remote).anywhere.map(({ natTraversal }) => natTraversal);
    expect(traversals([])).toEqual(['forced']);
    expect(traversals([{ ...forced, name: 'too' }])).toEqual(['forced']);
    expect(traversals([{ ...forced, name: 'not', natTraversal: 'prohibited' }])).toEqual(['detected']);
  });

  it('ask a peer that may be anybody for what any of them asks for', () => {
    const asking = (name: string, authority: number) =>
      connection('right', {
        name,
        remote: ANYWHERE,
        remoteAuthentication: { kind: 'signature', authorities: [new Uint8Array(20).fill(authority)] },
      });
    const connections = new Connections([asking('a', 1), asking('b', 1), asking('c', 2)]);
    const [request] = connections.proofRequests(remote).certificates;
    expect(request?.authorities).toEqual(Uint8Array.from([...Array(20).fill(1), ...Array(20).fill(2)]));
  });

  it('know what they ask of a peer before it comes, however many are called at its address', () => {
    let reads = 0;
    const counted = (name: string, authority: number) =>
      new Proxy(
        connection('right', {
          name,
          remoteAuthentication: { kind: 'signature', authorities: [new Uint8Array(20).fill(authority)] },
        }),
        {
          get: (target, property, receiver) => {
            reads++;
            return Reflect.get(target, property, receiver);
          },
        },
      );
    const all = Array.from({ length: 1000 }, (_unused, number) => counted(`peer ${number}`, number % 2));
    const connections = new Connections(all);
    const expected = proofRequests(all);
    reads = 0;
    expect(connections.proofRequests(remote)).toEqual(expected);
    expect(connections.ppkMixings(remote)).toEqual(new Set());
    expect(reads).toBeLessThan(100);
  });

  it('find a PPK by its PPK_ID, of connections that admit the address', () => {
    const ppk = (data: number) => ({ id: { type: 'opaque' as const, data: Uint8Array.of(data) }, key });
    const using = (name: string, data: number, place: typeof ANYWHERE | undefined) =>
      connection('right', {
        name,
        remoteIdentity: identity(name),
        ...(place === undefined ? {} : { remote: place }),
        ppk: { keys: [ppk(data)], required: true, ...(data === 2 ? { mixing: 'ike-auth' as const } : {}) },
      });
    const connections = new Connections([using('a', 1, undefined), using('b', 2, ANYWHERE), using('c', 2, ANYWHERE)]);
    const elsewhere = { ...remote, address: RIGHT };
    const found = (data: number, from: typeof remote) => connections.ppksOf(Uint8Array.of(1, data), from).length;
    expect([found(1, remote), found(1, elsewhere), found(2, elsewhere), found(3, remote)]).toEqual([1, 0, 2, 0]);
    expect([...connections.ppkMixings(elsewhere)]).toEqual(['ike-auth']);
    expect([...connections.ppkMixings(remote)]).toEqual(['ike-intermediate', 'ike-auth']);
  });
});
