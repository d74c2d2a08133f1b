import { isDeepStrictEqual as sameValue } from 'node:util';
import { type CompiledFabric, type DeliveryResult, type FabricIntent, type Rule } from '@weft/fabric-compiler';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBundle } from '../distribution/bundle-content.js';
import { CompiledFabrics } from './compiled-fabrics.js';
import { validate } from './validation.js';

describe('a validation', () => {
  it('fails when an edge would be given something else than what was proven, with the packet and the edge', () => {
    expect(findings(undefined, INTENT, new CompiledFabrics())).toEqual([]);
    const found = findings(undefined, INTENT, new Forgetful('two'));
    expect(found).toHaveLength(2);
    expect(found[0]).toMatchObject({
      kind: 'delivered_differs',
      edgeIds: ['edge-a'],
      policyLine: { ruleId: 'two' },
      counterexample: { source: '10.0.0.0', destination: '10.1.0.0', protocol: 17, destinationPort: 53 },
      detail: expect.stringContaining('which the proven one protects'),
    });
  });

  it('says everything that is wrong at once, also what only edges could not be given', () => {
    const answer = validate(
      undefined,
      { ...INTENT, keyingMode: 'controller-blind', securityProtocol: 'ah', tunnelStart: { kind: 'trap' } },
      new CompiledFabrics(),
    );
    const rules = answer.ok ? [] : answer.problems.map(({ rule }) => rule);
    expect(rules.sort()).toEqual(['ah_without_negotiation', 'trap_without_negotiation']);
  });

  it('knows an intent again whose fields are in another order', () => {
    const fabrics = new CompiledFabrics();
    const turned = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(turned)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .toReversed()
                .map(([name, part]) => [name, turned(part)]),
            )
          : value;
    const [one, other] = [fabrics.compile(INTENT), fabrics.compile(turned(INTENT) as FabricIntent)];
    if (!one.ok || !other.ok) throw new Error('it compiles');
    expect(JSON.stringify(turned(INTENT))).not.toBe(JSON.stringify(INTENT));
    expect(other.fabric).toBe(one.fabric);
  });

  it('looks again at the edges only of which a bundle is another one', () => {
    const fabrics = new CompiledFabrics();
    const edited = withRules(INTENT, [rule('one', 'a', 'b', 'tcp', 444), rule('two', 'a', 'b', 'udp', 53)]);
    expect([findings(undefined, INTENT, fabrics), findings(INTENT, edited, fabrics)]).toEqual([[], []]);
    const [before, after] = [INTENT, edited].map((intent) => {
      const known = fabrics.compile(intent);
      if (!known.ok) throw new Error('it was compiled');
      return fabrics.proveDelivered(known.fabric, { bundles: new Map(), hashes: new Map(), affected: undefined });
    });
    expect(after?.get('edge-c')).toBe(before?.get('edge-c'));
    expect(after?.get('edge-a')).not.toBe(before?.get('edge-a'));
    expect([...(after?.keys() ?? [])].sort()).toEqual(['edge-a', 'edge-b', 'edge-c']);
  });
});

describe('the bundles that an edit gives', () => {
  it('are those that are other octets than before, for edges and what they remove, whatever is known of before', () => {
    const sites = fc.constantFrom('a', 'b', 'c');
    const rules = fc
      .array(fc.tuple(sites, sites, fc.constantFrom('tcp' as const, 'udp' as const), fc.nat(3)), { maxLength: 4 })
      .map((drawn) =>
        drawn.map(([from, to, protocol, port], index) => rule(`rule-${index}`, from, to, protocol, port)),
      );
    const between = rules.map((all) =>
      all.filter(({ sources: [one], destinations: [other] }) => !sameValue(one, other)),
    );
    fc.assert(
      fc.property(fc.array(between, { minLength: 2, maxLength: 4 }), fc.subarray(SPARES), (drafts, spares) => {
        const fabrics = new CompiledFabrics();
        const [first = [], ...edits] = drafts;
        const fabric = { ...INTENT, edges: [...INTENT.edges, ...spares] };
        const before = withRules(fabric, first);
        for (const edit of edits) {
          const after = withRules(fabric, edit);
          const answer = validate(before, after, fabrics);
          if (!answer.ok) throw new Error(JSON.stringify(answer.problems));
          expect(answer).toEqual(validate(before, after, new CompiledFabrics()));
          const changed = answer.validation.bundles.map(({ edgeId }) => edgeId);
          expect(changed).toEqual(otherOctets(before, after));
        }
      }),
      { numRuns: 60 },
    );
  });
});

function otherOctets(before: FabricIntent, after: FabricIntent): readonly string[] {
  const [old, now] = [before, after].map((intent) => {
    const fabrics = new CompiledFabrics();
    const compiled = fabrics.compile(intent);
    const result = compiled.ok ? fabrics.deliver(compiled.fabric) : compiled;
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return new Map(
      [...result.bundles].map(([edgeId, bundle]) => [edgeId, encodeBundle(bundle).octets.toString('hex')]),
    );
  });
  return [...(now ?? [])].flatMap(([edgeId, octets]) => (old?.get(edgeId) === octets ? [] : [edgeId])).sort();
}

/** As if what is delivered were written by code that has a bug: it leaves out the entries of a rule. */
class Forgetful extends CompiledFabrics {
  constructor(private readonly ruleId: string) {
    super();
  }

  override deliver(fabric: CompiledFabric, edgeIds?: ReadonlySet<string>): DeliveryResult {
    const result = super.deliver(fabric, edgeIds);
    if (!result.ok) return result;
    const bundles = [...result.bundles].map(([edgeId, bundle]) => {
      const securityPolicies = bundle.securityPolicies.filter(({ ruleId }) => ruleId !== this.ruleId);
      return [edgeId, { ...bundle, securityPolicies }] as const;
    });
    return { ok: true, bundles: new Map(bundles) };
  }
}

function findings(before: FabricIntent | undefined, after: FabricIntent, fabrics: CompiledFabrics) {
  const answer = validate(before, after, fabrics);
  if (!answer.ok) throw new Error(JSON.stringify(answer.problems));
  return answer.validation.findings;
}

function withRules(intent: FabricIntent, rules: readonly Rule[]): FabricIntent {
  return { ...intent, policies: [{ id: 'policy', name: 'policy', enabled: true, rules }] };
}

function rule(id: string, from: string, to: string, protocol: 'tcp' | 'udp', port: number): Rule {
  const side = (siteId: string) => [{ kind: 'site', siteId }] as const;
  const services = [{ protocol, ports: [{ first: port, last: port }] }];
  return { id, name: id, action: 'PROTECT', sources: side(from), destinations: side(to), services };
}

const SITES = ['a', 'b', 'c'];
const INTENT: FabricIntent = withRules(
  {
    tenantId: 'tenant',
    keyingMode: 'ikev2',
    sites: SITES.map((id) => ({ id, name: id })),
    networks: SITES.map((id, index) => ({ id: `lan-${id}`, siteId: id, name: 'lan', prefix: `10.${index}.0.0/16` })),
    edges: SITES.map((id, index) => ({
      id: `edge-${id}`,
      siteId: id,
      name: id,
      underlayAddress: `203.0.113.${index + 1}`,
      underlayPort: 4500,
    })),
    policies: [],
  },
  [rule('one', 'a', 'b', 'tcp', 443), rule('two', 'a', 'b', 'udp', 53)],
);
/** Second edges of two sites. */
const SPARES = ['b', 'c'].map((siteId, index) => ({
  id: `spare-${siteId}`,
  siteId,
  name: `spare-${siteId}`,
  underlayAddress: `203.0.113.${index + 101}`,
  underlayPort: 4500,
  preference: 2,
}));
