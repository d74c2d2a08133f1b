import { z } from 'zod';
import { pageQuery, pageSchema } from '../../platform/http/page.js';
import { Identifier, Name, Prefix, Timestamp, Version } from '../../platform/http/schemas.js';
import { Labels } from '../labels.dto.js';

const MAPPED =
  'What the fabric knows the network by, as long as `prefix`, and mapped to it 1:1 by the edge: for sites that use the same prefix. ' +
  'Rules, groups, tests and other sites know this prefix only.';

export const MappedPrefix = Prefix.meta({ description: MAPPED, examples: ['172.20.1.0/24'] });

export const CreateNetwork = z
  .strictObject({
    siteId: Identifier,
    name: Name,
    prefix: Prefix,
    mappedPrefix: MappedPrefix.optional(),
    labels: Labels.optional(),
  })
  .meta({ id: 'CreateNetwork' });

export const UpdateNetwork = z
  .strictObject({
    name: Name.optional(),
    mappedPrefix: MappedPrefix.nullable()
      .optional()
      .meta({ description: 'null: the fabric knows the network by its own prefix.' }),
    labels: Labels.optional(),
  })
  .meta({
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
    mappedPrefix: z
      .string()
      .optional()
      .meta({ description: `${MAPPED} Absent: it is known by \`prefix\`. Canonical text.` }),
    labels: Labels,
    version: Version,
    createdAt: Timestamp,
  })
  .meta({ id: 'Network' });
export const NetworkList = pageSchema(Network).meta({ id: 'NetworkList' });

export type CreateNetwork = z.infer<typeof CreateNetwork>;
export type UpdateNetwork = z.infer<typeof UpdateNetwork>;
/** Lists of networks: by prefix. */
export const NetworkPage = pageQuery('cidr', 'uuid');

export type Network = z.infer<typeof Network>;
export type NetworkList = z.infer<typeof NetworkList>;
