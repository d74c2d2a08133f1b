import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Timestamp, Version } from '../../platform/http/schemas.js';
import { Labels } from '../labels.dto.js';

export const CreateSite = z
  .strictObject({ name: Name, description: Description.optional(), labels: Labels.optional() })
  .meta({ id: 'CreateSite' });

export const UpdateSite = z
  .strictObject({ name: Name.optional(), description: Description.optional(), labels: Labels.optional() })
  .meta({ id: 'UpdateSite', description: 'Absent fields keep their value; labels are replaced as a whole.' });

export const Site = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    labels: Labels,
    version: Version,
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Site' });
export const SiteList = pageSchema(Site).meta({ id: 'SiteList' });

export type CreateSite = z.infer<typeof CreateSite>;
export type UpdateSite = z.infer<typeof UpdateSite>;
export type Site = z.infer<typeof Site>;
export type SiteList = z.infer<typeof SiteList>;
