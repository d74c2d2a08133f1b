import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Identifier, Name, Timestamp, UnderlayAddress, Version } from '../../platform/http/schemas.js';

export const UnderlayPort = z
  .int()
  .min(1)
  .max(65535)
  .meta({ description: 'UDP port where the edge receives ESP (RFC 3948).' });

export const Preference = z.int().min(1).max(255).meta({
  description: 'Among the edges of its site: traffic goes to the lowest one that answers. Each has its own.',
});

const OTHERS =
  'Where the edge is too, on other uplinks: in order of preference after `underlayAddress`, IPv4 and IPv6, at the same port. With several ' +
  'a tunnel leaves a path that drops everything; for edges that negotiate (ikev2), in tunnel mode, with ESP in UDP.';

export const OtherUnderlayAddresses = z
  .array(UnderlayAddress)
  .max(4)
  .meta({ description: OTHERS, examples: [['198.51.100.7']] });

export const CreateEdge = z
  .strictObject({
    siteId: Identifier,
    name: Name,
    underlayAddress: UnderlayAddress,
    otherUnderlayAddresses: OtherUnderlayAddresses.default([]),
    underlayPort: UnderlayPort.default(4500),
    preference: Preference.optional().meta({ description: 'Absent: behind all other edges of the site.' }),
  })
  .meta({ id: 'CreateEdge' });

export const UpdateEdge = z
  .strictObject({
    name: Name.optional(),
    underlayAddress: UnderlayAddress.optional(),
    otherUnderlayAddresses: OtherUnderlayAddresses.optional(),
    underlayPort: UnderlayPort.optional(),
    preference: Preference.optional(),
  })
  .meta({
    id: 'UpdateEdge',
    description:
      'Absent fields keep their value; other underlay addresses are replaced as a whole. An edge does not move between sites.',
  });

export const RevokeEdge = z
  .strictObject({
    reason: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'has control characters')
      .meta({ description: 'Why, for people.', examples: ['The machine was stolen.'] }),
  })
  .meta({ id: 'RevokeEdge' });

export const EdgeRevocation = z
  .object({ revokedAt: Timestamp, reason: z.string() })
  .meta({ id: 'EdgeRevocation', description: 'The edge is refused, and in no bundle, until it is enrolled anew.' });

export const CertificateCondition = z.enum(['none', 'valid', 'expiring', 'expired']).meta({
  id: 'CertificateCondition',
  description:
    'Edges renew their certificates when two thirds of their life are over. `expiring`: less than a sixth is left, so that renewal must have failed for long. `none`: not enrolled, or revoked.',
});

export const BundleReference = z
  .object({
    revision: z.int().min(0),
    generation: z.int().min(0),
    hash: z.string().meta({ description: 'SHA-256 of the content of the bundle, lower-case hex.' }),
  })
  .meta({ id: 'BundleReference' });

export const BundleRejection = z.object({ path: z.string(), rule: z.string(), reason: z.string() }).meta({
  id: 'BundleRejection',
  description: 'Why the edge refused its last bundle; the previous one keeps running.',
});

export const DropCounter = z.object({ reason: z.string(), packets: z.int().min(0) }).meta({ id: 'DropCounter' });

export const EdgeLive = z
  .object({
    connected: z.boolean(),
    connectedSince: Timestamp.nullable(),
    agentVersion: z.string().nullable(),
    enrolledAt: Timestamp.nullable().meta({ description: 'Null until the edge has enrolled.' }),
    certificateNotAfter: Timestamp.nullable(),
    certificateCondition: CertificateCondition,
    desired: BundleReference.nullable().meta({
      description: 'What the edge should run; null before the first revision.',
    }),
    applied: BundleReference.nullable().meta({ description: 'What the edge is known to run.' }),
    inSync: z.boolean().meta({ description: 'True when the edge is connected and runs exactly the desired bundle.' }),
    lastRejection: BundleRejection.nullable(),
    drops: z.array(DropCounter).meta({ description: 'Packets that the edge discarded since it started, by reason.' }),
  })
  .meta({ id: 'EdgeLive', description: 'What the controller sees of the edge now.' });

export const Edge = z
  .object({
    id: Identifier,
    siteId: Identifier,
    name: z.string(),
    underlayAddress: z.string(),
    otherUnderlayAddresses: z.array(z.string()).meta({ description: `${OTHERS} Canonical text (RFC 5952 for IPv6).` }),
    underlayPort: z.int().min(1).max(65535),
    preference: Preference,
    version: Version.meta({
      description:
        'Grows with every change of the edge itself, not with what it does; the ETag is this number in quotes.',
    }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    revocation: EdgeRevocation.nullable().meta({ description: 'Null unless the edge is revoked.' }),
    live: EdgeLive,
  })
  .meta({ id: 'Edge' });
export const EdgeList = pageSchema(Edge).meta({ id: 'EdgeList' });

export const EnrollmentToken = z
  .object({
    token: z.string().meta({ description: 'One-time secret, shown in this answer only.' }),
    expiresAt: Timestamp,
    command: z.string().meta({ description: 'The line to paste on the edge.' }),
  })
  .meta({ id: 'EnrollmentToken' });

export type CreateEdge = z.infer<typeof CreateEdge>;
export type RevokeEdge = z.infer<typeof RevokeEdge>;
export type CertificateCondition = z.infer<typeof CertificateCondition>;
export type UpdateEdge = z.infer<typeof UpdateEdge>;
export type BundleReference = z.infer<typeof BundleReference>;
export type EdgeLive = z.infer<typeof EdgeLive>;
export type Edge = z.infer<typeof Edge>;
export type EdgeList = z.infer<typeof EdgeList>;
export type EnrollmentToken = z.infer<typeof EnrollmentToken>;
