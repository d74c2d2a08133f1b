import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Identifier, Name, Timestamp, Version } from '../../platform/http/schemas.js';
import { TunnelStart } from '../tunnel-start.dto.js';

export const CreateTenant = z.strictObject({ name: Name }).meta({ id: 'CreateTenant' });

export const KeyingMode = z.enum(['ikev2', 'ike-less', 'controller-blind']).meta({
  description:
    'Who makes the traffic keys: the edges between themselves (ikev2, what a new tenant has), the controller (ike-less, RFC 9061), or the edges by signed messages that the controller relays and learns no key from (controller-blind), of which an edge whose agent does not offer it runs no bundle. A change is in force with the next revision.',
});

export const Encapsulation = z.enum(['udp', 'none']).meta({
  description:
    'What ESP travels in between edges: UDP (RFC 3948), which passes every NAT and is what a new tenant has, or nothing: directly on IP, as protocol 50. Edges that negotiate use UDP all the same where they find a NAT; where they do not (ike-less, controller-blind) paths must have none. A change is in force with the next revision, and makes the tunnels anew.',
});

export const SecurityProtocol = z.enum(['esp', 'ah']).meta({
  description:
    'What protects packets between edges. esp: they are encrypted and authenticated (RFC 4303), which is what a new tenant has. ah: they are authenticated and NOT encrypted (RFC 4302), so that everybody on the underlay can read them; it passes no NAT, and needs edges that negotiate (ikev2), of which each site has one. External peers have ESP either way. A change is in force with the next revision, and makes the tunnels anew.',
});

export const IpsecMode = z.enum(['tunnel', 'transport']).meta({
  description:
    'What of packets between edges is protected. tunnel: whole packets, from site to site, which is what a new tenant has. transport: what follows the header of packets from host to host (RFC 4301 section 4.1). Then each site is one host: its only network is the underlay address of its one edge; edges negotiate (ikev2), no NAT is between them, and there are no external peers. A change is in force with the next revision, and makes the tunnels anew.',
});

export const DefaultProfileId = Identifier.nullable().meta({
  description:
    'The profile of rules that name none; null: that of the product, which is what a new tenant has. A profile that is the default stays, and takes what any profile takes: the keying mode ikev2 and ESP. A change is in force with the next revision.',
});

export const ApprovalRequired = z.boolean().meta({
  description:
    'Whether nothing comes into force before somebody else has approved it: a draft, an earlier revision, or what fails a proof. In force at once; an API token cannot change it.',
});

export const UpdateTenant = z
  .strictObject({
    keyingMode: KeyingMode.optional(),
    encapsulation: Encapsulation.optional(),
    securityProtocol: SecurityProtocol.optional(),
    mode: IpsecMode.optional(),
    defaultProfileId: DefaultProfileId.optional(),
    tunnelStart: TunnelStart.optional(),
    approvalRequired: ApprovalRequired.optional(),
  })
  .meta({ id: 'UpdateTenant', description: 'Absent fields keep their value.' });

export const Tenant = z
  .object({
    id: Identifier,
    name: z.string(),
    keyingMode: KeyingMode,
    encapsulation: Encapsulation,
    securityProtocol: SecurityProtocol,
    mode: IpsecMode,
    defaultProfileId: DefaultProfileId,
    tunnelStart: TunnelStart,
    approvalRequired: ApprovalRequired,
    version: Version,
    createdAt: Timestamp,
  })
  .meta({ id: 'Tenant' });
export const TenantList = pageSchema(Tenant).meta({ id: 'TenantList' });

export type CreateTenant = z.infer<typeof CreateTenant>;
export type UpdateTenant = z.infer<typeof UpdateTenant>;
export type Tenant = z.infer<typeof Tenant>;
export type TenantList = z.infer<typeof TenantList>;
