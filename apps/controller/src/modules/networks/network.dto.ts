import { z } from 'zod';
import { Identifier, Name, Prefix, Timestamp } from '../../platform/http/schemas.js';

export const CreateNetwork = z
  .strictObject({ siteId: Identifier, name: Name, prefix: Prefix })
  .meta({ id: 'CreateNetwork' });

export const Network = z
  .object({
    id: Identifier,
    siteId: Identifier,
    name: z.string(),
    prefix: z.string().meta({ description: 'Canonical text (RFC 5952 for IPv6).' }),
    createdAt: Timestamp,
  })
  .meta({ id: 'Network' });
export const NetworkList = z.object({ items: z.array(Network) }).meta({ id: 'NetworkList' });

export type CreateNetwork = z.infer<typeof CreateNetwork>;
export type Network = z.infer<typeof Network>;
export type NetworkList = z.infer<typeof NetworkList>;
