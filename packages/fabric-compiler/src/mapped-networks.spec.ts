import { describe, expect, it } from 'vitest';
import { compileFabric } from '../test/compile-fabric.js';
import { compiledOrThrow, healthyIntent } from '../test/seeded-bugs.js';
import { compileShared } from './fabric/compile-shared.js';
import { routesOf } from './fabric/shared-bundle.js';
import type { FabricIntent } from './intent.js';
import { proveFabric } from './proof/prove-fabric.js';

describe('two sites with the same network', () => {
  it('are refused, with both networks named', () => {
    const result = compileShared(withPrefixes('10.0.0.0/31', undefined));
    expect(result.ok ? [] : result.problems).toEqual([
      {
        pointer: '/networks/3/prefix',
        rule: 'overlapping_networks',
        detail: 'The network "network 1 0" (10.0.0.0/31) overlaps "network 0 0" (10.0.0.0/31).',
        fix: expect.stringContaining('mappedPrefix'),
      },
    ]);
  });

  it('live together when each is mapped 1:1, and the fabric knows the mapped prefixes only', () => {
    const intent = withPrefixes('10.0.0.0/31', '10.200.0.0/31', '10.100.0.0/31');
    const fabric = compiledOrThrow(intent);
    expect(proveFabric(fabric).findings).toEqual([]);
    const [mapped] = fabric.bundles.filter(({ edgeId }) => edgeId === 'edge-8');
    const [other] = fabric.bundles.filter(({ edgeId }) => edgeId === 'edge-7');
    expect(mapped?.mappings).toEqual([{ local: '10.0.0.0/31', overlay: '10.200.0.0/31' }]);
    expect(mapped?.localNetworks).toContain('10.200.0.0/31');
    expect(other && routesOf(other)).toContain('10.200.0.0/31');
    const delivered = compileFabric(withDefaultProfile(intent));
    if (!delivered.ok) throw new Error(JSON.stringify(delivered.problems));
    const bundle = delivered.bundles.get('edge-8');
    expect(bundle?.networkMappings).toEqual(mapped?.mappings);
    expect(bundle?.localNetworks).toEqual(mapped?.localNetworks);
    expect(bundle?.routes).toContain('10.100.0.0/31');
    expect(delivered.bundles.get('edge-9')?.routes).toContain('10.200.0.0/31');
    expect([...delivered.bundles.values()].flatMap(({ routes }) => routes)).not.toContain('10.0.0.0/31');
  });

  it('are refused when one is mapped and the fabric has the other: its site could not tell them apart', () => {
    const result = compileShared(withPrefixes('10.0.0.0/31', '10.200.0.0/31'));
    expect(result.ok ? [] : result.problems).toEqual([
      {
        pointer: '/networks/3/prefix',
        rule: 'ambiguous_network',
        detail:
          'The network "network 1 0" (10.0.0.0/31) is mapped 1:1, and overlaps "network 0 0" (10.0.0.0/31) on the fabric: at its site an address would mean two things.',
        fix: expect.stringContaining('mappedPrefix'),
      },
    ]);
  });

  it('are refused at one site, and so is what is mapped to itself or into itself', () => {
    const problemsOf = (changes: Readonly<Record<string, { prefix: string; mappedPrefix: string }>>) => {
      const intent = healthyIntent();
      const networks = intent.networks.map((network) => ({ ...network, ...changes[network.id] }));
      const result = compileShared({ ...intent, networks });
      return result.ok ? [] : result.problems.map(({ pointer, rule }) => `${pointer} ${rule}`);
    };
    const own = '172.16.0.0/31';
    expect(
      problemsOf({
        'network-1-0': { prefix: own, mappedPrefix: '10.200.0.0/31' },
        'network-1-1': { prefix: own, mappedPrefix: '10.201.0.0/31' },
      }),
    ).toEqual(['/networks/4/prefix overlapping_networks']);
    expect(problemsOf({ 'network-1-0': { prefix: own, mappedPrefix: own } })).toEqual([
      '/networks/3/prefix ambiguous_network',
    ]);
    expect(problemsOf({ 'network-1-0': { prefix: '224.0.0.0/31', mappedPrefix: '10.200.0.0/31' } })).toEqual([
      '/networks/3/prefix unusable_prefix',
    ]);
  });

  it('are refused when the mapped prefix is of another length, or is taken too', () => {
    const rulesOf = (mappedPrefix: string) => {
      const result = compileShared(withPrefixes('10.0.0.0/31', mappedPrefix, '10.100.0.0/31'));
      return result.ok ? [] : result.problems.map(({ rule }) => rule);
    };
    expect(rulesOf('10.200.0.0/30')).toEqual(['mapping_length']);
    expect(rulesOf('fd00:1::/127')).toContain('mapping_length');
    expect(rulesOf('10.2.0.0/31')).toEqual(['overlapping_networks']);
  });
});

/** What is delivered has one profile. */
function withDefaultProfile({ profiles: _, ...intent }: FabricIntent): FabricIntent {
  const policies = intent.policies.map((policy) => ({
    ...policy,
    rules: policy.rules.map(({ profileId: __, ...rule }) => rule),
  }));
  return { ...intent, policies };
}

/** The healthy fabric, the first network of site 1 having these prefixes, and that of site 0 maybe another one on the fabric. */
function withPrefixes(prefix: string, mappedPrefix: string | undefined, mappedAtOther?: string): FabricIntent {
  const intent = healthyIntent();
  const mapped = (to: string | undefined) => (to === undefined ? {} : { mappedPrefix: to });
  return {
    ...intent,
    networks: intent.networks.map((network) => {
      if (network.id === 'network-0-0') return { ...network, ...mapped(mappedAtOther) };
      return network.id === 'network-1-0' ? { ...network, prefix, ...mapped(mappedPrefix) } : network;
    }),
  };
}
