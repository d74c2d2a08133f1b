import { describe, expect, it } from 'vitest';
import { externalIntent, healthyIntent } from '../test/seeded-bugs.js';
import { compileShared } from './fabric/compile-shared.js';
import type { FabricIntent } from './intent.js';

describe('references of topology, groups, services, profiles and external peers', () => {
  it.each<readonly [pointer: string, rule: string, intent: FabricIntent]>([
    ['/topology/hubSiteIds/0', 'unknown_site', healthyIntent({ kind: 'hub_and_spoke', hubSiteIds: ['gone'] })],
    [
      '/topology/homes/0/hubSiteId',
      'unknown_site',
      healthyIntent({
        kind: 'hub_and_spoke',
        hubSiteIds: ['site-0'],
        homes: [{ siteId: 'site-1', hubSiteId: 'gone' }],
      }),
    ],
    ['/topology/meshes/0/1', 'unknown_site', healthyIntent({ kind: 'partial_mesh', meshes: [['site-0', 'gone']] })],
    [
      '/topology/links/0/siteIds/1',
      'unknown_site',
      healthyIntent({ kind: 'custom_links', links: [{ siteIds: ['site-0', 'gone'] }], relaySiteIds: [] }),
    ],
    [
      '/topology/relaySiteIds/0',
      'unknown_site',
      healthyIntent({ kind: 'custom_links', links: [], relaySiteIds: ['gone'] }),
    ],
    ['/externalPeers/0/gatewaySiteIds/0', 'unknown_site', externalIntent({ gatewaySiteIds: ['gone'] })],
    ['/externalPeers/0/address', 'invalid_address', externalIntent({ address: 'gw.example' })],
    ['/externalPeers/0/port', 'invalid_port', externalIntent({ port: 0 })],
    ['/externalPeers/0/prefixes/0', 'host_bits', externalIntent({ prefixes: ['10.99.0.1/31'] })],
    ['/externalPeers/0/prefixes/0', 'overlapping_networks', externalIntent({ prefixes: ['10.1.0.0/31'] })],
    ['/policies/0/rules/0/profileId', 'unknown_profile', withFirstRule({ profileId: 'gone' })],
    ['/policies/0/rules/0/serviceIds/0', 'unknown_service', withFirstRule({ serviceIds: ['gone'] })],
    [
      '/policies/0/rules/0/sources/0/groupId',
      'unknown_group',
      withFirstRule({ sources: [{ kind: 'group', groupId: 'gone' }] }),
    ],
    [
      '/policies/0/rules/0/sources/0/addressPoolId',
      'unknown_address_pool',
      withFirstRule({ sources: [{ kind: 'address_pool', addressPoolId: 'gone' }] }),
    ],
    [
      '/policies/0/rules/0/sources/0/externalPeerId',
      'unknown_external_peer',
      withFirstRule({ sources: [{ kind: 'external_peer', externalPeerId: 'gone' }] }),
    ],
  ])('are refused at %s: %s', (pointer, rule, intent) => {
    const result = compileShared(intent);
    const problems = result.ok ? [] : result.problems;
    expect(problems.map((problem) => [problem.pointer, problem.rule])).toContainEqual([pointer, rule]);
  });
});

function withFirstRule(change: Partial<FabricIntent['policies'][number]['rules'][number]>): FabricIntent {
  const intent = healthyIntent();
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule, index) => (index === 0 ? { ...rule, ...change } : rule)),
    })),
  };
}
