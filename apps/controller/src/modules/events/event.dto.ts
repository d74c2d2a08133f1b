import { z } from 'zod';
import { EVENT_KINDS } from '../../observations/edge-event-kinds.js';
import { Identifier, Timestamp } from '../../platform/http/schemas.js';

const EventId = z.string().regex(/^[1-9][0-9]{0,17}$/, 'is not the id of an event');
const EventKind = z.enum(EVENT_KINDS).meta({ description: 'unknown: the agent is newer than the controller.' });

export const EdgeEvent = z
  .object({
    id: EventId.meta({ description: 'In order of arrival.', examples: ['4711'] }),
    edgeId: Identifier,
    edgeName: z.string().nullable().meta({ description: 'Null when the edge is gone.' }),
    kind: EventKind,
    occurredAt: Timestamp.meta({ description: 'By the clock of the edge.' }),
    receivedAt: Timestamp,
    tunnelId: Identifier.nullable(),
    cause: z
      .string()
      .nullable()
      .meta({ description: 'Stable name of why.', examples: ['no_proposal_chosen'] }),
    detail: z.string().nullable().meta({ description: 'One sentence, in the words of the edge.' }),
    count: z.int().nullable().meta({
      description: 'How many failures, packets or lost events; octets of the path MTU. Null: it is not about a number.',
    }),
  })
  .meta({ id: 'EdgeEvent', description: 'Something that an edge told of itself.' });

export const EdgeEventList = z
  .object({
    items: z.array(EdgeEvent),
    next: EventId.nullable().meta({ description: '`before` of the page that follows; null: this is the last.' }),
  })
  .meta({ id: 'EdgeEventList' });

export const EdgeEventQuery = z.strictObject({
  edgeId: Identifier.optional().meta({ description: 'Only events of this edge.' }),
  kind: EventKind.optional().meta({ description: 'Only events of this kind.' }),
  before: EventId.optional().meta({ description: 'Only events that arrived before the one with this id.' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export type EdgeEvent = z.infer<typeof EdgeEvent>;
export type EdgeEventList = z.infer<typeof EdgeEventList>;
export type EdgeEventQuery = z.infer<typeof EdgeEventQuery>;
