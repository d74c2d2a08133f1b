import { z } from 'zod';
import { pageQuery, pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Port, Prefix, Timestamp, Version } from '../../platform/http/schemas.js';
import { TunnelStart } from '../tunnel-start.dto.js';

const MAX_RULES = 500;
const MAX_SELECTORS = 100;
export const MAX_SERVICES = 50;
export const MAX_NAMED = 50;
const MAX_PORT_RANGES = 50;
export const MAX_POLICIES = 1000;

export const Action = z
  .enum(['PROTECT', 'DISCARD', 'BYPASS'])
  .meta({ id: 'Action', description: 'Processing choice (RFC 4301 section 4.4.1).' });

/** What a rule and a group name in the same way. */
export const PLACES = [
  z.strictObject({ kind: z.literal('site'), siteId: Identifier }),
  z.strictObject({ kind: z.literal('network'), networkId: Identifier }),
  z.strictObject({ kind: z.literal('prefix'), prefix: Prefix }),
  z.strictObject({ kind: z.literal('external_peer'), externalPeerId: Identifier }),
] as const;

export const Selector = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('any') }),
    ...PLACES,
    z.strictObject({ kind: z.literal('address_pool'), addressPoolId: Identifier }),
    z.strictObject({ kind: z.literal('group'), groupId: Identifier }),
  ])
  .meta({
    id: 'Selector',
    description:
      'Which addresses an end of a rule covers. `address_pool`: all that hosts are assigned of it. Only that, `external_peer`, and a group that has one, covers those of external peers.',
  });

export const PortRange = z
  .strictObject({ first: Port, last: Port })
  .refine(({ first, last }) => first <= last, {
    path: ['last'],
    message: 'last is below first',
    params: { rule: 'port_range_order', fix: 'Give the lower port first.' },
  })
  .meta({ id: 'PortRange', description: 'Inclusive at both ends.' });

export const Service = z
  .strictObject({
    protocol: z.enum(['any', 'tcp', 'udp', 'icmp', 'icmpv6']),
    ports: z.array(PortRange).max(MAX_PORT_RANGES).meta({ description: 'Destination ports; empty means all.' }),
  })
  .refine(({ protocol, ports }) => ports.length === 0 || protocol === 'tcp' || protocol === 'udp', {
    path: ['ports'],
    message: 'only tcp and udp have ports',
    params: { rule: 'protocol_without_ports', fix: 'Leave ports empty, or choose tcp or udp.' },
  })
  .meta({ id: 'Service' });

/** Of a rule that says of no service whether it is about it. */
export const ANY_SERVICE = {
  path: ['services'],
  message: 'The rule has no service',
  params: { rule: 'too_small', fix: 'Name one service at least; the protocol any covers them all.' },
};

const ruleFields = {
  name: Name,
  action: Action,
  sources: z.array(Selector).min(1).max(MAX_SELECTORS),
  destinations: z.array(Selector).min(1).max(MAX_SELECTORS),
  services: z.array(Service).max(MAX_SERVICES),
};

const ServiceIds = z
  .array(Identifier)
  .max(MAX_NAMED)
  .meta({ description: 'Named services, in addition to `services`; a rule has one of either at least.' });

const ProfileId = Identifier.nullable().meta({
  description:
    'Profile of the tunnels that it protects traffic with; null: the default one of the tenant. With DISCARD it says nothing.',
});

const RuleTunnelStart = TunnelStart.nullable().meta({
  description:
    'When the tunnels start that it protects traffic with; null: as the tenant has it. Of what several rules want for one tunnel it has what none misses anything by: start goes before trap, and the longest idle time before a shorter one. With DISCARD it says nothing.',
});

export const RuleInput = z
  .strictObject({
    id: Identifier.optional().meta({ description: 'Keeps the identity of an existing rule; absent for a new one.' }),
    ...ruleFields,
    serviceIds: ServiceIds.default([]),
    profileId: ProfileId.default(null),
    tunnelStart: RuleTunnelStart.default(null),
    enabled: z.boolean().default(true),
  })
  .refine(({ services, serviceIds }) => services.length + serviceIds.length > 0, ANY_SERVICE)
  .meta({ id: 'RuleInput' });

export const Rule = z
  .object({
    id: Identifier,
    ...ruleFields,
    name: z.string(),
    serviceIds: ServiceIds,
    profileId: ProfileId,
    tunnelStart: RuleTunnelStart,
    enabled: z.boolean(),
  })
  .meta({ id: 'Rule' });

export const Confidential = z.boolean().meta({
  description:
    'Whether what its rules allow must be encrypted: then nothing is published that would have AH protect it, which authenticates packets and encrypts nothing.',
});

export const PolicyInput = z
  .strictObject({
    name: Name,
    description: Description.default(''),
    enabled: z.boolean().default(true),
    confidential: Confidential.default(false),
    rules: z.array(RuleInput).max(MAX_RULES).meta({ description: 'In order: the first rule that matches decides.' }),
  })
  .meta({ id: 'PolicyInput', description: 'A whole policy: what it does not name is removed.' });

export const Policy = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    enabled: z.boolean(),
    confidential: Confidential,
    position: z.int().min(0).meta({ description: 'Place in the order of the policies, from 0.' }),
    rules: z.array(Rule),
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Policy' });
export const PolicyList = pageSchema(Policy).meta({ id: 'PolicyList' });

export const PolicyOrder = z
  .strictObject({ policyIds: z.array(Identifier).max(MAX_POLICIES) })
  .meta({ id: 'PolicyOrder', description: 'Every policy of the tenant exactly once, in the wanted order.' });

/** Of its own, since policies change and stay where they are. */
export const CurrentPolicyOrder = z
  .object({
    policyIds: z.array(Identifier).meta({ description: 'Every policy of the tenant, in order.' }),
    version: Version.meta({
      description: 'Grows when policies come, go or change places; the ETag is this number in quotes.',
    }),
  })
  .meta({ id: 'CurrentPolicyOrder' });

export type Action = z.infer<typeof Action>;
export type Selector = z.infer<typeof Selector>;
export type Service = z.infer<typeof Service>;
export type RuleInput = z.infer<typeof RuleInput>;
export type Rule = z.infer<typeof Rule>;
export type PolicyInput = z.infer<typeof PolicyInput>;
/** Lists of policies: in order. */
export const PolicyPage = pageQuery('integer', 'uuid');

export type Policy = z.infer<typeof Policy>;
export type PolicyList = z.infer<typeof PolicyList>;
export type PolicyOrder = z.infer<typeof PolicyOrder>;
export type CurrentPolicyOrder = z.infer<typeof CurrentPolicyOrder>;
