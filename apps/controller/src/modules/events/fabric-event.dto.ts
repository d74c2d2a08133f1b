import { z } from 'zod';
import { Identifier, Timestamp } from '../../platform/http/schemas.js';
import { EVENT_ID } from './event-position.js';
import { FABRIC_EVENT_TYPES } from './fabric-event-types.js';

export const EventId = z
  .string()
  .regex(EVENT_ID, 'is not the id of an event')
  .meta({ description: 'Journal and number of an event.', examples: ['5f0c2a9e-4711'] });

export const FabricEvent = z
  .object({
    id: EventId,
    type: z.enum(FABRIC_EVENT_TYPES),
    occurredAt: Timestamp.meta({ description: 'By the clock of whoever tells of it.' }),
    recordedAt: Timestamp.meta({ description: 'By the clock of the database.' }),
    edgeId: Identifier.nullable(),
    edgeName: z.string().nullable().meta({ description: 'As it was then.' }),
    tunnelId: Identifier.nullable(),
    revision: z.int().nullable().meta({ description: 'Number of the revision that it is about.' }),
    actor: z.string().nullable().meta({ description: 'Name of the user who did it.' }),
    cause: z
      .string()
      .nullable()
      .meta({ description: 'Stable name of why.', examples: ['no_proposal_chosen'] }),
    detail: z.string().nullable().meta({ description: 'In the words of whoever tells of it.' }),
    count: z.int().nullable().meta({ description: 'How many or how much; null: it is not about a number.' }),
  })
  .meta({ id: 'FabricEvent', description: 'Something that happened in a tenant: the data of an event in its stream.' });

const STREAM_GAPS = ['no_longer_kept', 'other_journal', 'unknown_position'] as const;

export const EventStreamGap = z
  .object({
    reason: z.enum(STREAM_GAPS).meta({
      description:
        'no_longer_kept: the oldest events have given way. other_journal: a backup was restored; all that is kept follows. ' +
        'unknown_position: there is no such event yet; only what comes follows.',
    }),
    missed: z.int().nullable().meta({ description: 'How many events are missing; null: nobody knows.' }),
  })
  .meta({ id: 'EventStreamGap', description: 'Data of the event `gap`: read the state anew, then go on.' });

export const EventStreamEnd = z
  .object({
    reason: z.string().meta({
      description:
        'Of the controller: shutting_down, too_slow (it was not read), access_unconfirmed (the database gave no answer for ' +
        'long) or internal_error: come back. Otherwise what a request would be refused with now, as login_required, invalid_token, role_required or unknown_tenant.',
      examples: ['shutting_down'],
    }),
  })
  .meta({ id: 'EventStreamEnd', description: 'Data of the event `end`, the last one of a stream.' });

export const EventStreamQuery = z.strictObject({
  after: EventId.optional().meta({
    description:
      'Begin behind the event with this id, when there is no Last-Event-ID. Without either: with what comes.',
  }),
});

export type FabricEvent = z.infer<typeof FabricEvent>;
export type EventStreamGap = z.infer<typeof EventStreamGap>;
export type EventStreamQuery = z.infer<typeof EventStreamQuery>;
