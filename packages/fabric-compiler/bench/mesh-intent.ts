import type { FabricIntent, IntentNetwork, Rule, Selector, Service } from '../src/intent.js';

/**
 * A full mesh as a large customer has it: regions and roles by label, two networks at each site, IPv6 at every fourth; rules
 * from a group to one host, from site to site, from group to group, that forbid one site something, and at the end the few that
 * hold for everybody; one group and one service that a single rule names. No rule is shadowed.
 */
export function meshIntent(siteCount: number, ruleCount: number): FabricIntent {
  const sites = Array.from({ length: siteCount }, (_, index) => index);
  return {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: sites.map((site) => ({
      id: siteId(site),
      name: `site ${site}`,
      labels: { region: `r${site % REGIONS}`, role: site % 20 === 0 ? 'dc' : 'branch' },
    })),
    networks: sites.flatMap(networksOf),
    edges: sites.map((site) => ({
      id: `edge-${pad(site)}`,
      siteId: siteId(site),
      name: `edge ${site}`,
      underlayAddress: `198.${18 + (site >>> 16)}.${(site >>> 8) & 255}.${site & 255}`,
      underlayPort: 4500,
    })),
    groups: [
      ...Array.from({ length: REGIONS }, (_, region) => labelGroup(`region-${region}`, { region: `r${region}` })),
      labelGroup('branches', { role: 'branch' }),
      labelGroup('data-centres', { role: 'dc' }),
      { id: 'partners', name: 'partners', members: [site(1), site(2)] },
    ],
    services: [{ id: 'backup', name: 'backup', services: [tcp(50_000)] }],
    policies: [{ id: 'policy', name: 'policy', enabled: true, rules: rulesOf(siteCount, ruleCount) }],
    policyTests: [
      {
        id: 'test-web',
        name: 'branches reach data centres by https',
        sources: [{ kind: 'group', groupId: 'branches' }],
        destinations: [{ kind: 'group', groupId: 'data-centres' }],
        services: [tcp(443)],
        expect: 'allowed',
      },
    ],
  };
}

/** The same intent with another port in one rule; `everybody`: in a rule that concerns all sites. */
export function withOneRuleEdited(intent: FabricIntent, rule: number, port: number): FabricIntent {
  return withRule(intent, rule, (before) => ({ ...before, services: [tcp(port)] }));
}

export function withRule(intent: FabricIntent, index: number, edit: (rule: Rule) => Rule): FabricIntent {
  return {
    ...intent,
    policies: intent.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.map((rule, at) => (at === index ? edit(rule) : rule)),
    })),
  };
}

/** The same intent with another member in a group. */
export function withMember(intent: FabricIntent, groupId: string, index: number): FabricIntent {
  const groups = (intent.groups ?? []).map((group) =>
    group.id === groupId ? { ...group, members: [...group.members, site(index)] } : group,
  );
  return { ...intent, groups };
}

/** The same intent with another port of its named service. */
export function withServicePort(intent: FabricIntent, port: number): FabricIntent {
  const services = (intent.services ?? []).map((service) => ({ ...service, services: [tcp(port)] }));
  return { ...intent, services };
}

function rulesOf(siteCount: number, ruleCount: number): Rule[] {
  const general: Rule[] = [
    {
      ...rule('backup', 'PROTECT', [{ kind: 'group', groupId: 'partners' }], [DATA_CENTRES], []),
      serviceIds: ['backup'],
    },
    rule('web', 'PROTECT', [ANY], [ANY], [tcp(443), tcp(80)]),
    rule('ping', 'PROTECT', [ANY], [ANY], [icmp('icmp'), icmp('icmpv6')]),
    rule('dns', 'PROTECT', [ANY], [DATA_CENTRES], [udp(53)]),
  ];
  const special = Array.from({ length: ruleCount - general.length }, (_, index) => specialRule(index, siteCount));
  return [...special, ...general];
}

function specialRule(index: number, siteCount: number): Rule {
  const one = (index * 7) % siteCount;
  const other = (one + 1 + ((index * 13) % (siteCount - 1))) % siteCount;
  const region: Selector = { kind: 'group', groupId: `region-${index % REGIONS}` };
  const id = `rule-${pad(index)}`;
  switch (index % 4) {
    case 0:
      return rule(id, 'PROTECT', [region], [{ kind: 'prefix', prefix: hostOf(one) }], [tcp(2000 + index)]);
    case 1:
      return rule(id, 'PROTECT', [site(one)], [site(other)], [tcp(2000 + index), udp(2000 + index)]);
    case 2:
      return rule(id, 'PROTECT', [{ kind: 'group', groupId: 'branches' }], [region], [udp(10_000 + index)]);
    default:
      return rule(id, 'DISCARD', [site(one)], [ANY], [tcp(20_000 + index)]);
  }
}

function networksOf(index: number): IntentNetwork[] {
  const at = { siteId: siteId(index) };
  const [high, low] = [index >>> 7, (index & 127) * 2];
  const four = [0, 1].map((second) => ({
    ...at,
    id: `network-${pad(index)}-${second}`,
    name: `network ${index} ${second}`,
    prefix: `10.${high}.${low + second}.0/24`,
  }));
  if (index % 4 !== 0) return four;
  return [
    ...four,
    {
      ...at,
      id: `network-${pad(index)}-6`,
      name: `network ${index} 6`,
      prefix: `fd00:${(index + 1).toString(16)}::/64`,
    },
  ];
}

function hostOf(index: number): string {
  return `10.${index >>> 7}.${(index & 127) * 2}.10/32`;
}

function rule(
  id: string,
  action: Rule['action'],
  sources: Selector[],
  destinations: Selector[],
  services: Service[],
): Rule {
  return { id, name: id, action, sources, destinations, services };
}

function labelGroup(id: string, labels: Readonly<Record<string, string>>) {
  return { id, name: id, members: [{ kind: 'site_labels', labels } as const] };
}

function site(index: number) {
  return { kind: 'site', siteId: siteId(index) } as const;
}

function tcp(port: number): Service {
  return { protocol: 'tcp', ports: [{ first: port, last: port }] };
}

function udp(port: number): Service {
  return { protocol: 'udp', ports: [{ first: port, last: port }] };
}

function icmp(protocol: 'icmp' | 'icmpv6'): Service {
  return { protocol, ports: [] };
}

function siteId(index: number): string {
  return `site-${pad(index)}`;
}

function pad(index: number): string {
  return String(index).padStart(5, '0');
}

const ANY: Selector = { kind: 'any' };
const DATA_CENTRES: Selector = { kind: 'group', groupId: 'data-centres' };
const REGIONS = 10;
