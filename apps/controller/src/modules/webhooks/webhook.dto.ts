import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { FABRIC_EVENT_TYPES } from '../events/fabric-event-types.js';

const TargetUrl = z
  .string()
  .min(1)
  .max(2_000)
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (
      url !== undefined &&
      /^https?:$/.test(url.protocol) &&
      url.username === '' &&
      url.password === '' &&
      url.hash === ''
    )
      return;
    context.addIssue({
      code: 'custom',
      message: 'is no http or https URL without a user, a password and a fragment',
      params: {
        rule: 'url_format',
        fix: 'Give the URL that takes POST requests, for example https://hooks.example/weft.',
      },
    });
  })
  .meta({
    description:
      'Takes a POST for each event. Only addresses of the Internet and only https, unless the operator of the controller allows more.',
    examples: ['https://hooks.example/weft'],
  });

const Types = z
  .array(z.enum(FABRIC_EVENT_TYPES))
  .max(100)
  .meta({ description: 'Types of events that it gets; empty: all.' });

const written = {
  name: Name,
  url: TargetUrl,
  types: Types.default([]),
  enabled: z.boolean().default(true),
};

export const WebhookInput = z.strictObject(written).meta({ id: 'WebhookInput' });

export const Webhook = z
  .object({
    id: Identifier,
    name: z.string(),
    url: z.string(),
    types: z.array(z.string()).meta({ description: 'Empty: all.' }),
    enabled: z.boolean(),
    disabledCause: z.enum(['attempts_exhausted', 'gone', 'queue_full']).nullable().meta({
      description:
        'Why the controller disabled it: nothing got through, the receiver answered 410, or more than 10,000 events wait. Null: it did not.',
    }),
    previousSecretUntil: Timestamp.nullable().meta({
      description:
        'Until when deliveries are signed with the secret before the present one, too. Null: the present one alone signs.',
    }),
    pending: z.int().meta({ description: 'Deliveries that wait.' }),
    version: z.int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Webhook' });

export const NewWebhook = Webhook.extend({
  secret: z.string().meta({
    description: 'What deliveries are signed with, as Standard Webhooks writes it. It is shown this once.',
  }),
}).meta({ id: 'NewWebhook' });

export const WebhookList = pageSchema(Webhook).meta({ id: 'WebhookList' });

export const SecretRenewalQuery = z.strictObject({
  overlapHours: z.coerce.number().int().min(0).max(168).default(24).meta({
    description:
      'For how long the secret that there was signs as well, so that no delivery is refused while the receiver changes. 0: it ends at once, as when somebody else knows it.',
  }),
  dryRun: z.enum(['true', 'false']).optional(),
});

export const WebhookDelivery = z
  .object({
    id: Identifier.meta({ description: 'webhook-id of every attempt.' }),
    type: z.string(),
    createdAt: Timestamp,
    status: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.int(),
    nextAttemptAt: Timestamp.nullable().meta({ description: 'Null unless it is pending.' }),
    lastAttemptAt: Timestamp.nullable(),
    responseStatus: z.int().nullable().meta({ description: 'Of the last answer; null: there was none.' }),
    failure: z
      .string()
      .nullable()
      .meta({
        description:
          'Why the last attempt was none: status, timed_out, address_refused, plain_http_refused, name_unknown, secret_unreadable, or the ' +
          'error of the connection. Null: it was one.',
        examples: ['timed_out'],
      }),
  })
  .meta({ id: 'WebhookDelivery' });

export const WebhookDeliveryList = pageSchema(WebhookDelivery).meta({ id: 'WebhookDeliveryList' });

export type WebhookInput = z.infer<typeof WebhookInput>;
export type Webhook = z.infer<typeof Webhook>;
export type NewWebhook = z.infer<typeof NewWebhook>;
export type WebhookList = z.infer<typeof WebhookList>;
export type SecretRenewalQuery = z.infer<typeof SecretRenewalQuery>;
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;
export type WebhookDeliveryList = z.infer<typeof WebhookDeliveryList>;
