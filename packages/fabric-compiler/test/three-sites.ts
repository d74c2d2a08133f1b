import type { FabricIntent } from '../src/intent.js';
import { edgeId } from './arbitrary-intent.js';

/** Sites 0, 1 and 2, and what goes from 0 to 1, and from 1 to 2, which is protected. */
export function threeSites(action: 'PROTECT' | 'DISCARD'): FabricIntent {
  const indexes = [0, 1, 2];
  const rule = { name: 'rule', services: [{ protocol: 'any', ports: [] }] } as const;
  return {
    tenantId: 'tenant',
    sites: indexes.map((index) => ({ id: `site-${index}`, name: `site ${index}` })),
    networks: indexes.map((index) => ({
      id: `network-${index}`,
      siteId: `site-${index}`,
      name: `network ${index}`,
      prefix: `10.${index}.0.0/24`,
    })),
    edges: indexes.map((index) => ({
      id: edgeId(index),
      siteId: `site-${index}`,
      name: `edge ${index}`,
      underlayAddress: `203.0.113.${index + 1}`,
      underlayPort: 4500,
    })),
    policies: [
      {
        id: 'policy',
        name: 'policy',
        enabled: true,
        rules: [
          {
            ...rule,
            id: 'rule-0-1',
            action,
            sources: [{ kind: 'site', siteId: 'site-0' }],
            destinations: [{ kind: 'site', siteId: 'site-1' }],
          },
          {
            ...rule,
            id: 'rule-1-2',
            action: 'PROTECT',
            sources: [{ kind: 'site', siteId: 'site-1' }],
            destinations: [{ kind: 'site', siteId: 'site-2' }],
          },
        ],
      },
    ],
  };
}
