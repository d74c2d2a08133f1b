import { z } from 'zod';
import { Identifier } from '../../platform/http/schemas.js';

const Count = z.int().min(0);

export const NamedEnd = z.object({ id: Identifier, name: z.string() }).meta({ id: 'NamedEnd' });

const Share = z.object({ removed: Count, before: Count });

export const Removal = z
  .object({
    tunnels: Share,
    securityPolicies: Share,
    needsAgreement: z.boolean().meta({
      description:
        'So much that the edge refuses it unless whoever publishes it agrees: more than ten, and more than half of what it has.',
    }),
  })
  .meta({ id: 'Removal', description: 'How much of what an edge runs is gone: so many, of so many before.' });

export const AffectedEdge = z
  .object({
    edgeId: Identifier,
    edgeName: z.string(),
    change: z.enum(['added', 'changed', 'removed']).meta({ description: 'What happens to the bundle of the edge.' }),
    removal: Removal.nullable().meta({
      description: 'What the edge loses; null: nothing, or all because it goes itself.',
    }),
  })
  .meta({ id: 'AffectedEdge' });

export const BlastRadius = z
  .object({
    edges: Count.meta({ description: 'Edges whose bundle is another one.' }),
    tunnelsAdded: Count,
    tunnelsRemoved: Count,
    tunnelsChanged: Count.meta({
      description: 'Tunnels that are made anew with other parameters or at other addresses.',
    }),
    tunnelsNotEncrypted: Count.meta({
      description:
        'Tunnels of the revision, changed or not, whose packets are authenticated and not encrypted (AH): everybody on the underlay can read them.',
    }),
    sitePairsAllowed: Count.meta({
      description:
        'Pairs of a site that opens flows and one that answers them, between which some flow is allowed that was not.',
    }),
    sitePairsDenied: Count.meta({ description: 'The same for flows that were allowed and are not any more.' }),
    complete: z.boolean().meta({
      description:
        'True: all numbers are exact. False: those of pairs of sites are at least so high; so much changes that comparing all ' +
        'of it is not worth the time.',
    }),
    sitePairsOtherProfile: Count.meta({ description: 'The same for flows that are protected with another profile.' }),
  })
  .meta({ id: 'BlastRadius', description: 'How far a revision reaches, for all packets.' });

export const Packet = z
  .object({
    text: z.string().meta({ examples: ['tcp 10.1.0.1:65535 → 10.2.0.9:443'] }),
    source: z.string(),
    destination: z.string(),
    protocol: z.int().min(0).max(255).meta({ description: 'IANA protocol number.' }),
    sourcePort: z.int().min(0).max(65535).meta({ description: '0 for protocols without ports.' }),
    destinationPort: z.int().min(0).max(65535).meta({ description: '0 for protocols without ports.' }),
  })
  .meta({ id: 'Packet' });

export const PolicyLine = z
  .object({ policyId: Identifier, policyName: z.string(), ruleId: Identifier, ruleName: z.string() })
  .meta({ id: 'PolicyLine' });

export const Finding = z
  .object({
    kind: z
      .enum([
        'allowed_is_discarded',
        'denied_is_protected',
        'cleartext',
        'wrong_profile',
        'not_confidential',
        'transport_beyond_hosts',
        'foreign_local',
        'shadowed_rule',
        'black_hole',
        'routing_loop',
        'wrong_route',
        'ambiguous_peer',
        'one_sided_peer',
        'unequal_alternatives',
        'delivered_differs',
        'wrong_endpoint',
        'no_proposal_chosen',
        'ts_unacceptable',
        'authentication_failed',
        'unsafe_transition',
        'policy_test_failed',
      ])
      .meta({ description: 'What was to be proven and is not so.' }),
    detail: z.string().meta({ description: 'What is wrong, in one sentence.' }),
    fix: z.string().meta({ description: 'What to do about it.' }),
    pointer: z.string().meta({
      description:
        'JSON pointer (RFC 6901) into the intent: the policy line or the policy test; empty where it is about neither.',
    }),
    edges: z.array(NamedEnd).meta({ description: 'Edges that are concerned, the one that misbehaves first.' }),
    policyLine: PolicyLine.nullable(),
    policyTestId: Identifier.nullable(),
    counterexample: Packet.nullable().meta({ description: 'A packet that shows it.' }),
  })
  .meta({ id: 'Finding', description: 'A proof that failed: why the draft cannot be published.' });

export const TunnelChange = z
  .object({
    change: z.enum(['added', 'removed', 'changed']),
    ends: z.array(NamedEnd).length(2),
  })
  .meta({ id: 'TunnelChange' });

const DecidingRule = z.object({ ruleId: Identifier, name: z.string() }).meta({ id: 'DecidingRule' });

export const FlowChange = z
  .object({
    change: z.enum(['allowed', 'denied', 'other_profile']),
    example: Packet.meta({ description: 'A packet that opens one of the flows.' }),
    sourceSite: NamedEnd,
    destinationSite: NamedEnd,
    ruleBefore: DecidingRule.nullable().meta({
      description: 'Null: no rule decided it, or the packet was not in the fabric.',
    }),
    ruleAfter: DecidingRule.nullable(),
    sitePairs: Count.meta({ description: 'Pairs of sites with such flows.' }),
  })
  .meta({ id: 'FlowChange', description: 'Flows that fare otherwise, by the rules that decided and decide them.' });

export const IntentChange = z
  .object({
    change: z.enum(['added', 'removed', 'changed']),
    noun: z.enum([
      'tenant',
      'site',
      'network',
      'edge',
      'address_pool',
      'external_peer',
      'group',
      'service',
      'profile',
      'policy',
      'rule',
      'policy_test',
    ]),
    id: Identifier,
    name: z.string(),
    fields: z.array(
      z.object({
        field: z.string(),
        before: z.unknown().meta({ description: 'Null where there was none.' }),
        after: z.unknown().meta({ description: 'Null where there is none.' }),
      }),
    ),
  })
  .meta({ id: 'IntentChange' });

export const RevisionDiff = z
  .object({
    from: z
      .int()
      .nullable()
      .meta({ description: 'Number of the revision compared with; null: nothing was published before.' }),
    to: z.int().nullable().meta({ description: 'Number of the revision; null: the draft.' }),
    intent: z.array(IntentChange),
    names: z.array(NamedEnd).meta({
      description:
        'What identifiers in the fields of `intent` stand for, also where it has been removed; a network has its name within its site: "berlin/lan".',
    }),
    blastRadius: BlastRadius,
    affectedEdges: z.array(AffectedEdge),
    tunnels: z.array(TunnelChange).meta({ description: 'The first 200; blastRadius has their numbers.' }),
    flows: z.array(FlowChange).meta({ description: 'The first 200.' }),
  })
  .meta({ id: 'RevisionDiff', description: 'What differs, in what people wrote and in what comes of it.' });

export type NamedEnd = z.infer<typeof NamedEnd>;
export type AffectedEdge = z.infer<typeof AffectedEdge>;
export type BlastRadius = z.infer<typeof BlastRadius>;
export type Finding = z.infer<typeof Finding>;
export type TunnelChange = z.infer<typeof TunnelChange>;
export type FlowChange = z.infer<typeof FlowChange>;
export type IntentChange = z.infer<typeof IntentChange>;
export type RevisionDiff = z.infer<typeof RevisionDiff>;
