import { z } from 'zod';
import { Identifier, Timestamp } from '../../platform/http/schemas.js';

export const TRUSTED_KINDS = [
  'root',
  'previous_root',
  'intermediate',
  'above_intermediate',
  'server',
  'revocation_list',
  'signing_key',
] as const;

export const TrustDependent = z
  .object({
    edgeId: Identifier,
    edgeName: z.string(),
    reason: z.enum(['certificate', 'trust']).meta({
      description:
        'certificate: it has one that this has issued, or that is under it. trust: it has not said that it trusts what comes after.',
    }),
  })
  .meta({ id: 'TrustDependent' });

export const TrustedItem = z
  .object({
    kind: z.enum(TRUSTED_KINDS).meta({
      description:
        'root: what all trust. previous_root: the one before, until it is retired. intermediate: what issues. above_intermediate: of those between it and the root, the one that ends first. server: what this controller shows to edges. revocation_list: for gateways that are no edges. signing_key: what bundles are signed with; a key without a certificate, which does not end.',
    }),
    fingerprint: z.string().nullable().meta({
      description: 'SHA-256, lower-case hex: of the certificate (DER), or of the public key. Null for the list.',
    }),
    notBefore: Timestamp.nullable(),
    notAfter: Timestamp.nullable().meta({ description: 'Null: it does not end.' }),
    daysLeft: z.int().min(0).nullable().meta({ description: 'Whole days until then.' }),
    alarmFrom: Timestamp.nullable().meta({ description: 'From when on it is `expiring`; null: it never is.' }),
    condition: z.enum(['valid', 'expiring', 'expired']).meta({ description: 'expiring: it is time to replace it.' }),
    raisedAt: Timestamp.nullable().meta({
      description: 'When the event `authority.expiring` told the tenant of it; null: it has not.',
    }),
    dependents: z
      .array(TrustDependent)
      .meta({ description: 'Up to 100 edges of the tenant that would be lost with it.' }),
    dependentCount: z.int().min(0).meta({ description: 'How many edges of the tenant that are.' }),
    remedy: z.string().nullable().meta({ description: 'What to do, for people; null: nothing.' }),
  })
  .meta({ id: 'TrustedItem' });

export const TrustState = z
  .object({ items: z.array(TrustedItem).max(TRUSTED_KINDS.length) })
  .meta({ id: 'TrustState', description: 'What the edges of a tenant trust, until when, and what hangs on it.' });

export type TrustDependent = z.infer<typeof TrustDependent>;
export type TrustedItem = z.infer<typeof TrustedItem>;
export type TrustState = z.infer<typeof TrustState>;
