import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExternalPeer } from '../../api/index.js';
import { capacityOf, freeText, hostsOf, ipVersionOf } from './addresses.js';

const host = (name: string, ...addresses: string[]) =>
  ({ name, assigned: addresses.map((address) => ({ addressPoolId: 'v4', address })) }) as ExternalPeer;

const free = (prefix: string, taken: readonly string[]) =>
  freeText(
    { prefix },
    taken.map((address) => ({ address })),
  );

describe('the addresses of a pool', () => {
  it.each([
    ['10.99.0.0/24', 254n],
    ['10.99.0.0/30', 2n],
    ['10.99.0.0/31', 2n],
    ['10.99.0.1/32', 1n],
    ['2001:db8::/126', 3n],
    ['2001:db8::1/128', 0n],
    ['2001:db8::/64', 2n ** 64n - 1n],
  ])('%s is for %s hosts', (prefix, hosts) => {
    expect(capacityOf(prefix)).toBe(hosts);
  });

  it('are twice as many, and those that are nobody’s, where a prefix is one bit shorter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), (length) => {
        expect(capacityOf(`10.0.0.0/${length - 1}`)).toBe(2n * capacityOf(`10.0.0.0/${length}`) + 2n);
        expect(capacityOf(`2001:db8::/${length - 1}`)).toBe(2n * capacityOf(`2001:db8::/${length}`) + 1n);
      }),
    );
  });

  it('are counted as far as a number says something', () => {
    expect(free('10.99.0.0/24', ['10.99.0.1', '10.99.0.2', '10.99.0.7'])).toBe('251 of 254');
    expect(free('10.0.0.0/13', [])).toBe('524,286 of 524,286');
    expect(free('2001:db8::/64', ['2001:db8::1'])).toBe('more than a million');
  });

  it('are no fewer where a host has one by name that nobody is found', () => {
    expect(free('10.99.0.0/23', ['10.99.0.0', '10.99.1.255', '10.99.0.255'])).toBe('509 of 510');
    expect(free('10.99.0.8/31', ['10.99.0.8', '10.99.0.9'])).toBe('0 of 2');
    expect(free('2001:db8::/126', ['2001:db8::', '2001:db8::3'])).toBe('2 of 3');
  });

  it('are those of hosts, in their order, and of no gateway', () => {
    const gateway = { name: 'partner', prefixes: ['10.8.0.0/24'] } as ExternalPeer;
    const hosts = hostsOf('v4', [host('b', '10.99.0.10'), gateway, host('a', '10.99.0.2')]);
    expect(hosts.map(({ peer, address }) => [peer.name, address])).toEqual([
      ['a', '10.99.0.2'],
      ['b', '10.99.0.10'],
    ]);
    expect(hostsOf('v6', [host('b', '10.99.0.10')])).toEqual([]);
  });

  it('are of one version', () => {
    expect([ipVersionOf('10.0.0.0/8'), ipVersionOf('::/0')]).toEqual([4, 6]);
  });
});
