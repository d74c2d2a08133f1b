import { isDomainName, MAX_DOMAIN_NAME, MAX_DOMAINS, MAX_NAME_SERVERS } from '@weft/fabric-compiler';
import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, HostAddress, Identifier, Name, Prefix, Timestamp, Version } from '../../platform/http/schemas.js';

export const MAX_ADDRESS_POOLS = 100;

const Domain = z
  .string()
  .max(MAX_DOMAIN_NAME)
  .refine(isDomainName, {
    message: 'The text is no domain name',
    params: { rule: 'domain_format', fix: 'Write labels with dots between them, for example corp.example.' },
  });

const NameServers = z
  .array(HostAddress)
  .max(MAX_NAME_SERVERS)
  .meta({
    description: 'Name servers that hosts are told of (INTERNAL_IP4_DNS, INTERNAL_IP6_DNS).',
    examples: [['10.1.0.53']],
  });

const Domains = z
  .array(Domain)
  .max(MAX_DOMAINS)
  .meta({
    description:
      'What hosts ask the name servers about (INTERNAL_DNS_DOMAIN, RFC 8598 section 3.1), without the final dot; empty: everything.',
    examples: [['corp.example']],
  });

const PoolPrefix = Prefix.meta({
  description:
    'What hosts are assigned addresses of, IPv4 or IPv6. No other pool, no network and nothing behind an external peer overlaps it.',
  examples: ['10.99.0.0/24'],
});

/** What describes a pool in every form of it, but for its site. */
export const addressPoolFields = {
  name: Name,
  description: Description.default(''),
  prefix: PoolPrefix,
  nameServers: NameServers.default([]),
  domains: Domains.default([]),
};

/** Domains are those of name servers, and each stands there once. */
export function refineNames(
  { nameServers, domains }: { nameServers: readonly string[]; domains: readonly string[] },
  context: z.core.$RefinementCtx,
): void {
  const add = (path: PropertyKey[], rule: string, message: string, fix: string) =>
    context.addIssue({ code: 'custom', path, message, params: { rule, fix } });
  if (domains.length > 0 && nameServers.length === 0) {
    const fix = 'Give a name server, or leave the domains out.';
    add(['domains'], 'domains_without_name_servers', 'Nobody is there to be asked about the domains', fix);
  }
  for (const [index, domain] of domains.entries()) {
    const before = domains.findIndex((other) => other.toLowerCase() === domain.toLowerCase());
    if (before < index) add(['domains', index], 'duplicate_domain', 'The domain stands here twice', 'Name it once.');
  }
}

export const AddressPoolInput = z
  .strictObject({
    ...addressPoolFields,
    siteId: Identifier.meta({
      description: 'The site whose edge is the gateway of the hosts; it has exactly one edge.',
    }),
  })
  .superRefine(refineNames)
  .meta({
    id: 'AddressPoolInput',
    description: 'A whole address pool.',
    examples: [
      {
        name: 'notebooks',
        siteId: '8a0c1d3e-5b7f-4c2a-9e60-1f2b3c4d5e6f',
        prefix: '10.99.0.0/24',
        nameServers: ['10.1.0.53'],
        domains: ['corp.example'],
      },
    ],
  });

export const AddressPool = z
  .object({
    id: Identifier,
    siteId: Identifier,
    name: z.string(),
    description: z.string(),
    prefix: z.string().meta({ description: 'Canonical text (RFC 5952 for IPv6).' }),
    nameServers: NameServers,
    domains: Domains,
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({
    id: 'AddressPool',
    description:
      'Addresses that the edge of a site assigns to remote hosts (RFC 7296 section 3.15); external peers name it in `assigned`, and rules by `addressPoolId`: what is assigned of it.',
  });
export const AddressPoolList = pageSchema(AddressPool).meta({ id: 'AddressPoolList' });

export type AddressPoolInput = z.infer<typeof AddressPoolInput>;
export type AddressPool = z.infer<typeof AddressPool>;
export type AddressPoolList = z.infer<typeof AddressPoolList>;
