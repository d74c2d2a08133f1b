import { z } from 'zod';
import { Identifier, Name, Prefix, Timestamp } from '../../platform/http/schemas.js';
import { Labels } from '../labels.dto.js';

export const CreateNetwork = z
  .strictObject({ siteId: Identifier, name: Name, prefix: Prefix, labels: Labels.optional() })
  .meta({ id: 'CreateNetwork' });

export const UpdateNetwork = z.strictObject({ name: Name.optional(), labels: Labels.optional() }).meta({
  id: 'UpdateNetwork',
  description:
    'Absent fields keep their value; labels are replaced as a whole. A network with another prefix is another one.',
});

export const Network = z
  .object({
    id: Identifier,
    siteId: Identifier,
    name: z.string(),
    prefix: z.string().meta({ description: 'Canonical text (RFC 5952 for IPv6).' }),
    labels: Labels,
    createdAt: Timestamp,
  })
  .meta({ id: 'Network' });
export const NetworkList = z.object({ items: z.array(Network) }).meta({ id: 'NetworkList' });

export type CreateNetwork = z.infer<typeof CreateNetwork>;
export type UpdateNetwork = z.infer<typeof UpdateNetwork>;
export type Network = z.infer<typeof Network>;
export type NetworkList = z.infer<typeof NetworkList>;
