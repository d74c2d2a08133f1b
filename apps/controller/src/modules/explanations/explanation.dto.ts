import { isIP, isIPv4 } from 'node:net';
import { z } from 'zod';
import { Identifier } from '../../platform/http/schemas.js';
import { Revision } from '../revisions/revision.dto.js';
import { NamedEnd, Packet } from '../revisions/revision-diff.dto.js';
import { TunnelStart } from '../tunnel-start.dto.js';

const MAX_ADDRESS_LENGTH = 45;
const MAX_PROTOCOL = 255;
const MAX_PROTOCOL_LENGTH = 6;
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 };

const Address = z
  .string()
  .max(MAX_ADDRESS_LENGTH)
  .refine((text) => isIP(text) !== 0 && !text.includes('%'), {
    message: 'The text is no IPv4 or IPv6 address',
    params: { rule: 'address_format', fix: 'Give an address of the overlay, for example 10.1.0.7.' },
  });

const QueryPort = z.coerce.number().int().min(0).max(65535);

export const ExplanationQuery = z
  .strictObject({
    source: Address.meta({ description: 'Who sends the packet.', examples: ['10.1.0.7'] }),
    destination: Address.meta({ description: 'Of the same IP version.', examples: ['10.2.0.9'] }),
    protocol: z
      .string()
      .max(MAX_PROTOCOL_LENGTH)
      .refine((text) => /^(?:tcp|udp|icmp|icmpv6|0|[1-9]\d{0,2})$/.test(text) && protocolNumber(text) <= MAX_PROTOCOL, {
        message: 'The text is no protocol',
        params: { rule: 'protocol_format', fix: 'Give tcp, udp, icmp, icmpv6, or an IANA number up to 255.' },
      })
      .meta({ description: 'tcp, udp, icmp, icmpv6, or an IANA protocol number.', examples: ['tcp'] }),
    sourcePort: QueryPort.default(49_152).meta({ description: 'Of tcp and udp.' }),
    destinationPort: QueryPort.optional().meta({ description: 'Needed with tcp and udp.', examples: [443] }),
  })
  .refine(({ source, destination }) => !areAddresses(source, destination) || isIPv4(source) === isIPv4(destination), {
    path: ['destination'],
    message: 'The two addresses are of different IP versions',
    params: { rule: 'address_family', fix: 'Give two addresses of the same IP version.' },
  })
  .refine(({ protocol, destinationPort }) => !hasPorts(protocol) || destinationPort !== undefined, {
    path: ['destinationPort'],
    message: 'tcp and udp have ports',
    params: { rule: 'port_required', fix: 'Give the port of the destination.' },
  });

export function protocolNumber(text: string): number {
  return PROTOCOLS[text] ?? Number(text);
}

function areAddresses(...texts: readonly string[]): boolean {
  return texts.every((text) => isIP(text) !== 0);
}

export function hasPorts(protocol: string): boolean {
  return ['tcp', 'udp', '6', '17'].includes(protocol);
}

const WrittenAddresses = z
  .object({
    ranges: z.array(z.string()),
    more: z.int().min(0).meta({ description: 'How many more there are.' }),
  })
  .meta({ id: 'WrittenAddresses', description: 'Prefixes, and ranges that are none.' });

export const SpdEntry = z
  .object({
    edge: NamedEnd,
    position: z
      .int()
      .min(1)
      .meta({ description: 'Place in the SPD of the edge, from 1; the first entry that matches decides.' }),
    ruleId: Identifier,
    action: z.enum(['PROTECT', 'DISCARD', 'BYPASS']),
    direction: z.enum(['opens', 'answers']).meta({
      description: 'Whether the local side opens such flows, or answers them: then the ports are its own.',
    }),
    local: WrittenAddresses.nullable().meta({ description: 'Null: every network behind the edge.' }),
    remote: WrittenAddresses,
    services: z.array(z.string()),
  })
  .meta({ id: 'SpdEntry', description: 'Entry of a security policy database (RFC 4301 section 4.4.1).' });

const KeyExchange = z
  .object({
    method: z.int().meta({ description: 'IANA transform type 4.' }),
    additionalMethods: z.array(z.int()).meta({ description: 'Added to it (RFC 9370).' }),
  })
  .meta({ id: 'KeyExchange' });

const Endpoint = z
  .object({ address: z.string(), port: z.int() })
  .nullable()
  .meta({ description: 'Null: a remote host, which comes from whatever address it has.' });

export const AssociationParameters = z
  .object({
    keyingMode: z.enum(['ikev2', 'ike-less', 'controller-blind']),
    mode: z.enum(['tunnel', 'transport']).meta({
      description:
        'tunnel: whole packets are protected, behind another header. transport: what follows their header, from host to host.',
    }),
    local: Endpoint,
    remote: Endpoint,
    localIdentity: z.string(),
    remoteIdentity: z.string(),
    profile: NamedEnd.nullable().meta({
      description:
        'That of the rules of this tunnel: which they name, or the default one of the tenant. Null: that of the product, or what an external peer is offered.',
    }),
    esp: z
      .object({
        encryption: z.string(),
        keyBits: z.int(),
        replayWindow: z.int(),
        extendedSequenceNumbers: z.boolean(),
        encapsulation: z.enum(['udp', 'none']),
      })
      .nullable()
      .meta({ description: 'Null: AH protects the packets, and encrypts nothing.' }),
    ah: z
      .object({ integrity: z.string(), replayWindow: z.int(), extendedSequenceNumbers: z.boolean() })
      .nullable()
      .meta({ description: 'Packets are authenticated and NOT encrypted (RFC 4302). Null: ESP protects them.' }),
    ike: z
      .object({
        proposals: z.array(
          z.object({ encryption: z.string(), keyBits: z.int(), prf: z.string(), keyExchange: KeyExchange }),
        ),
        childKeyExchange: KeyExchange.nullable(),
        ikeLifetimeSeconds: z.int(),
        childLifetimeSeconds: z.int(),
        livenessSeconds: z.int(),
      })
      .nullable()
      .meta({ description: 'Null: the controller makes the keys.' }),
    tunnelStart: TunnelStart.nullable().meta({
      description:
        'As all rules come to whose traffic goes there; null: edges do not negotiate the tunnel, or a remote host begins it.',
    }),
  })
  .meta({ id: 'AssociationParameters' });

export const EncapsulationArithmetic = z
  .object({
    underlayMtu: z.int(),
    udp: z.boolean().meta({ description: 'Whether ESP travels in UDP, or must fit in it because a NAT may be found.' }),
    outerHeaders: z.int().meta({ description: 'Zero in transport mode, where a packet keeps its own header.' }),
    espHeader: z.int().meta({ description: 'SPI and sequence number; of AH its whole header but for the ICV.' }),
    iv: z.int(),
    trailer: z.int(),
    icv: z.int(),
    innerMtu: z.int().meta({ description: 'The largest packet of the overlay.' }),
    outerLength: z.int().meta({ description: 'What it becomes on the underlay: innerMtu and all of the above.' }),
  })
  .meta({
    id: 'EncapsulationArithmetic',
    description: 'Octet by octet, for the largest packet that fits (RFC 4302, RFC 4303, RFC 3948).',
  });

export const ExplainedHop = z
  .object({
    from: NamedEnd,
    to: NamedEnd,
    outbound: SpdEntry.nullable().meta({ description: 'Null at an external peer, whose SPD is not ours.' }),
    inbound: SpdEntry.nullable().meta({ description: 'Null at an external peer, whose SPD is not ours.' }),
    association: AssociationParameters,
    encapsulation: EncapsulationArithmetic,
  })
  .meta({ id: 'ExplainedHop', description: 'One tunnel on the way.' });

const ExplainedSite = NamedEnd.extend({
  siteAddress: z.string().optional().meta({
    description: 'What the site itself knows the address by, where its network is mapped 1:1. Absent: the same.',
  }),
}).meta({ id: 'ExplainedSite' });

export const Explanation = z
  .object({
    packet: Packet,
    verdict: z.enum(['protected', 'discarded', 'unreachable', 'not_in_fabric']),
    detail: z.string().meta({ description: 'Why, in one sentence.' }),
    source: ExplainedSite.nullable().meta({ description: 'The site that has the address; null: none has.' }),
    destination: ExplainedSite.nullable(),
    rule: z
      .object({
        policyId: Identifier,
        policyName: z.string(),
        ruleId: Identifier,
        ruleName: z.string(),
        action: z.enum(['PROTECT', 'DISCARD']),
        position: z.int().min(1).meta({ description: 'Among the rules in force, from 1.' }),
        namedServices: z.array(NamedEnd).meta({
          description:
            'Those that the rule names and the packet is of; empty: it is of one that the rule writes itself.',
        }),
      })
      .nullable()
      .meta({ description: 'The policy line that decides; null: none does.' }),
    hops: z.array(ExplainedHop),
    revision: Revision.nullable().meta({ description: 'By which it is explained; null: the draft.' }),
    ruleSince: Revision.nullable().meta({
      description:
        'The revision, and so the person, that made the rule mean what it does: by its own words, or by a group, label, network, service or profile that it names. Null: not published, no rule, or longer ago than 200 revisions.',
    }),
  })
  .meta({ id: 'Explanation' });

export type ExplanationQuery = z.infer<typeof ExplanationQuery>;
export type Explanation = z.infer<typeof Explanation>;
export type ExplainedHop = z.infer<typeof ExplainedHop>;
export type SpdEntry = z.infer<typeof SpdEntry>;
