import { describe, expect, it } from 'vitest';
import { peersAt } from '../test/arbitrary-peers.js';
import { compileFabric } from '../test/compile-fabric.js';
import { remoteIntent } from '../test/seeded-bugs.js';
import { siteId } from '../test/small-universe.js';
import { remoteAccessOf } from './address-pools.js';
import { compileShared } from './fabric/compile-shared.js';
import type { FabricIntent, IntentAddressPool, IntentRemoteHost } from './intent.js';
import { libreswanSnippet } from './snippet/libreswan-snippet.js';
import { swanctlSnippet } from './snippet/swanctl-snippet.js';
import { parseSettings } from './swanctl/parse-settings.js';

describe('address pools and what is assigned of them', () => {
  it.each<readonly [pointer: string, rule: string, intent: FabricIntent]>([
    ['/addressPools/0/siteId', 'unknown_site', withPool({ siteId: 'gone' })],
    ['/addressPools/0/prefix', 'host_bits', withPool({ prefix: '10.200.0.1/29' })],
    ['/addressPools/0/prefix', 'unusable_prefix', withPool({ prefix: '224.0.0.0/24' })],
    ['/addressPools/0/prefix', 'overlapping_networks', withPool({ prefix: '10.1.0.0/24' })],
    ['/addressPools/0/prefix', 'overlapping_networks', withPool({ prefix: '10.99.0.0/16' })],
    ['/addressPools/1/prefix', 'overlapping_networks', withPool({ prefix: 'fd77::/64' })],
    ['/addressPools/0/nameServers/0', 'invalid_address', withPool({ nameServers: ['ns.example'] })],
    ['/addressPools/0/nameServers', 'too_many_entries', withPool({ nameServers: addresses(9) })],
    ['/addressPools/0/domains/0', 'invalid_domain', withPool({ domains: ['corp.example.'] })],
    ['/addressPools/0/domains', 'domains_without_name_servers', withPool({ nameServers: [] })],
    ['/addressPools/0/domains', 'too_many_entries', withPool({ domains: domains(17) })],
    ['/externalPeers/0/assigned', 'empty_list', withHost([])],
    ['/externalPeers/0/assigned/0/addressPoolId', 'unknown_address_pool', withHost(['gone 10.200.0.1'])],
    ['/externalPeers/0/assigned/0/address', 'invalid_address', withHost(['pool-4 10.200.0'])],
    ['/externalPeers/0/assigned/0/address', 'address_outside_pool', withHost(['pool-4 10.200.0.8'])],
    ['/externalPeers/0/assigned/0/address', 'address_outside_pool', withHost(['pool-4 fd77::1'])],
    ['/externalPeers/1/assigned/0/address', 'address_assigned_twice', withHost(['pool-4 10.200.0.2'])],
    [
      '/externalPeers/0/assigned/1/address',
      'several_addresses_of_version',
      withHost(['pool-4 10.200.0.4', 'pool-4 10.200.0.5']),
    ],
    ['/externalPeers/0/assigned/0/addressPoolId', 'pool_of_another_site', withPool({ siteId: siteId(1) })],
  ])('are refused at %s: %s', (pointer, rule, intent) => {
    for (const result of [compileShared(intent), compileFabric(intent)]) {
      const problems = result.ok ? [] : result.problems;
      expect(problems.map((problem) => [problem.pointer, problem.rule])).toContainEqual([pointer, rule]);
    }
  });

  it.each(['bob.example', 'BOB.example', 'partner.example'])(
    'are refused to two peers that are both %s',
    (identity) => {
      const intent = remoteIntent();
      const externalPeers = (intent.externalPeers ?? []).map((peer) =>
        peer.id === 'alice' ? { ...peer, identity } : peer,
      );
      const result = compileFabric({ ...intent, externalPeers });
      expect(result.ok ? [] : result.problems).toContainEqual(
        expect.objectContaining({
          rule: 'duplicate_identity',
          pointer: expect.stringMatching(/^\/externalPeers\/[13]\/identity$/),
        }),
      );
    },
  );

  it('are refused where two pools have more name servers together than a host is told of', () => {
    const [four, six] = remoteIntent().addressPools as [IntentAddressPool, IntentAddressPool];
    const pools = [
      { ...four, nameServers: addresses(5) },
      { ...six, nameServers: addresses(10).slice(5) },
    ];
    const result = compileFabric({ ...remoteIntent(), addressPools: pools });
    expect(result.ok ? [] : result.problems).toContainEqual(
      expect.objectContaining({ pointer: '/externalPeers/0/assigned', rule: 'too_many_entries' }),
    );
  });

  it('are told to a host with the name servers of its pools, which are asked about everything if one says so', () => {
    const { addressPools: [four, six] = [], externalPeers: [alice] = [] } = peersAt(siteId(0), siteId(0));
    const access = (pool: Partial<IntentAddressPool>) =>
      remoteAccessOf(alice as IntentRemoteHost, {
        addressPools: [four as IntentAddressPool, { ...(six as IntentAddressPool), ...pool }],
      });
    const addresses = ['10.200.0.1', 'fd77::1'];
    expect(access({})).toEqual({ addresses, nameServers: ['10.0.0.1'], domains: ['corp.example'] });
    expect(access({ nameServers: ['fd00::A'], domains: ['Lab.example'] })).toEqual({
      addresses,
      nameServers: ['10.0.0.1', 'fd00::a'],
      domains: ['corp.example', 'lab.example'],
    });
    expect(access({ nameServers: ['10.0.0.1'] })).toEqual({ addresses, nameServers: ['10.0.0.1'], domains: [] });
  });

  it('leave room for UDP in packets to hosts, also where edges need none', () => {
    const choice = { ...remoteIntent(), encapsulation: 'none', keyingMode: 'ike-less' } as const;
    const mtuOf = (intent: FabricIntent) => {
      const result = compileFabric(intent);
      if (!result.ok) throw new Error(JSON.stringify(result.problems));
      return [...result.bundles.values()].map(({ device }) => device.mtu);
    };
    const rules = choice.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.filter(({ destinations: [first] }) => first?.kind !== 'address_pool'),
    }));
    // Padding makes of the 8 octets of the UDP header 8.
    const without = mtuOf({
      ...choice,
      profiles: [],
      addressPools: [],
      externalPeers: [],
      policies: unprofiled(rules),
    });
    expect(mtuOf({ ...choice, profiles: [], policies: unprofiled(choice.policies) })).toEqual(
      without.map((mtu) => mtu - 8),
    );
  });

  it('are asked for by the configuration of a host, which calls the edge and names no address of its own', () => {
    const result = swanctlSnippet(remoteIntent(), 'alice');
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { text } = result.snippet;
    expect(parseSettings(text)).toMatchObject({ ok: true });
    const lines = text.split('\n').map((line) => line.trim());
    for (const line of [
      'local_port = 4500',
      'vips = 0.0.0.0, ::',
      'remote_addrs = 203.0.113.1',
      'remote_port = 4500',
      'mobike = yes',
      'start_action = start',
      'id = "alice.example"',
      // Its own site, and the one that a rule lets reach it.
      'remote_ts = 10.0.0.0/31, 10.0.1.0/31, 10.1.0.0/31, 10.1.1.0/31, fd00:1::/127, fd00:a::/127',
    ]) {
      expect(lines).toContain(line);
    }
    expect(text).not.toMatch(/local_addrs|local_ts|10\.200\.0\.1/);
  });

  it('are asked for in the IP versions that the host has', () => {
    const versions = ['bob', 'carol'].map((id) => {
      const result = swanctlSnippet(remoteIntent(), id);
      return result.ok ? /vips = (.*)/.exec(result.snippet.text)?.[1] : undefined;
    });
    expect(versions).toEqual(['0.0.0.0', '::']);
  });

  it('are nothing that a configuration of Libreswan is written for', () => {
    expect(libreswanSnippet(remoteIntent(), 'alice')).toMatchObject({
      ok: false,
      problems: [{ pointer: '/externalPeers/0', rule: 'not_deliverable' }],
    });
  });
});

function withPool(change: Partial<IntentAddressPool>): FabricIntent {
  const intent = remoteIntent();
  const [pool, ...others] = intent.addressPools ?? [];
  return { ...intent, addressPools: [{ ...(pool as IntentAddressPool), ...change }, ...others] };
}

/** With other addresses of the first host, each behind the pool that it is of. */
function withHost(assigned: readonly string[]): FabricIntent {
  const intent = remoteIntent();
  const [host, ...others] = intent.externalPeers ?? [];
  const written = assigned.map((text) => {
    const [addressPoolId = '', address = ''] = text.split(' ');
    return { addressPoolId, address };
  });
  return { ...intent, externalPeers: [{ ...(host as IntentRemoteHost), assigned: written }, ...others] };
}

function unprofiled(policies: FabricIntent['policies']): FabricIntent['policies'] {
  return policies.map((policy) => ({ ...policy, rules: policy.rules.map(({ profileId: _, ...rule }) => rule) }));
}

function addresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `192.0.2.${index + 1}`);
}

function domains(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `d${index}.example`);
}
