import { describe, expect, it } from 'vitest';
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

  it('live together when one is mapped 1:1, and the fabric knows the mapped prefix only', () => {
    const fabric = compiledOrThrow(withPrefixes('10.0.0.0/31', '10.200.0.0/31'));
    expect(proveFabric(fabric).findings).toEqual([]);
    const [mapped] = fabric.bundles.filter(({ edgeId }) => edgeId === 'edge-8');
    const [other] = fabric.bundles.filter(({ edgeId }) => edgeId === 'edge-7');
    expect(mapped?.mappings).toEqual([{ local: '10.0.0.0/31', overlay: '10.200.0.0/31' }]);
    expect(mapped?.localNetworks).toContain('10.200.0.0/31');
    expect(other && routesOf(other)).toContain('10.200.0.0/31');
  });

  it('are refused when the mapped prefix is of another length, or is taken too', () => {
    const rulesOf = (mappedPrefix: string) => {
      const result = compileShared(withPrefixes('10.0.0.0/31', mappedPrefix));
      return result.ok ? [] : result.problems.map(({ rule }) => rule);
    };
    expect(rulesOf('10.200.0.0/30')).toEqual(['mapping_length']);
    expect(rulesOf('fd00:1::/127')).toContain('mapping_length');
    expect(rulesOf('10.2.0.0/31')).toEqual(['overlapping_networks']);
  });
});

/** The healthy fabric, the first network of site 1 having these prefixes. */
function withPrefixes(prefix: string, mappedPrefix: string | undefined): FabricIntent {
  const intent = healthyIntent();
  return {
    ...intent,
    networks: intent.networks.map((network) =>
      network.id === 'network-1-0'
        ? { ...network, prefix, ...(mappedPrefix === undefined ? {} : { mappedPrefix }) }
        : network,
    ),
  };
}
