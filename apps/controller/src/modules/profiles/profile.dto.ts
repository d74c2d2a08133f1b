import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Timestamp } from '../../platform/http/schemas.js';
import { KEY_EXCHANGE_NAMES, type KeyExchangeName } from '../external-peers/key-exchange-names.js';

export const MAX_PROFILES = 100;
/** RFC 9370 section 4.1: seven additional ones. */
const MAX_KEY_EXCHANGES = 8;
/** What an edge accepts. */
const MIN_LIFETIME_SECONDS = 60;
const MAX_LIFETIME_SECONDS = 30 * 24 * 3600;
const MIN_REPLAY_WINDOW = 64;
const MAX_REPLAY_WINDOW = 4096;

const cipherFields = {
  encryption: z.enum(['aes-gcm-16', 'chacha20-poly1305']).meta({
    description: 'A combined mode: it encrypts and authenticates (RFC 8221 section 5, RFC 8247 section 2.1).',
  }),
  keyBits: z.union([z.literal(128), z.literal(256)]).meta({ description: 'Of chacha20-poly1305 always 256.' }),
};

const hasItsKeys = ({ encryption, keyBits }: { encryption: string; keyBits: number }) =>
  encryption !== 'chacha20-poly1305' || keyBits === 256;
const KEY_LENGTH = {
  path: ['keyBits'],
  message: 'ChaCha20 has keys of 256 bits (RFC 7634 section 2)',
  params: { rule: 'key_length', fix: 'Give 256.' },
};

/** ML-KEM comes behind another method: alone it would not fit IKE_SA_INIT, which nothing fragments (RFC 9370 section 2.2). */
const KeyExchangeMethods = z
  .array(z.enum(KEY_EXCHANGE_NAMES))
  .max(MAX_KEY_EXCHANGES)
  .refine(([first = 'X25519']) => !isEncapsulation(first), {
    path: [0],
    message: 'ML-KEM is added to a method, and does not come first',
    params: { rule: 'key_exchange_order', fix: 'Put X25519, X448 or one of ECP before it.' },
  })
  .refine((methods) => new Set(methods).size === methods.length, {
    message: 'A method stands here twice',
    params: { rule: 'duplicate_method', fix: 'Name each method once.' },
  });

const Esp = z
  .strictObject({
    ...cipherFields,
    replayWindow: z
      .int()
      .min(MIN_REPLAY_WINDOW)
      .max(MAX_REPLAY_WINDOW)
      .default(1024)
      .meta({ description: 'Packets (RFC 4303 section 3.4.3).' }),
  })
  .refine(hasItsKeys, KEY_LENGTH)
  .meta({ id: 'EspProfile', description: 'What protects packets. Sequence numbers are extended ones.' });

const Ike = z
  .strictObject({
    ...cipherFields,
    prf: z.enum(['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512']),
    keyExchange: KeyExchangeMethods.min(1).meta({
      description:
        'A method, and what is added to it (RFC 9370): all of them must be broken to learn the keys. With ML-KEM the handshake is hybrid, and edges that have it do without under no circumstances.',
    }),
  })
  .refine(hasItsKeys, KEY_LENGTH)
  .meta({
    id: 'IkeProfile',
    description: 'What protects the negotiation itself; both ends offer this and nothing else.',
  });

const lifetime = (standard: number) => z.int().min(MIN_LIFETIME_SECONDS).max(MAX_LIFETIME_SECONDS).default(standard);

const profileFields = {
  esp: Esp,
  ike: Ike,
  childKeyExchange: KeyExchangeMethods.meta({
    description:
      'When the keys of packets are replaced, for forward secrecy of their own; empty: they come from those of the negotiation.',
  }),
  ikeLifetimeSeconds: lifetime(4 * 3600).meta({ description: 'Then the IKE SA is rekeyed.' }),
  childLifetimeSeconds: lifetime(3600).meta({ description: 'Then the keys of packets are replaced.' }),
};

export const ProfileInput = z
  .strictObject({ name: Name, description: Description.default(''), ...profileFields })
  .meta({
    id: 'ProfileInput',
    description: 'A whole profile.',
    examples: [
      {
        name: 'chacha',
        esp: { encryption: 'chacha20-poly1305', keyBits: 256, replayWindow: 1024 },
        ike: { encryption: 'chacha20-poly1305', keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['ECP-384'] },
        childKeyExchange: ['ECP-384'],
        ikeLifetimeSeconds: 14_400,
        childLifetimeSeconds: 3600,
      },
    ],
  });

export const Profile = z
  .object({
    id: Identifier,
    name: z.string(),
    description: z.string(),
    ...profileFields,
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({
    id: 'Profile',
    description:
      'How packets between edges are protected and how edges negotiate it. Rules name it by `profileId`. It takes the keying mode ikev2 and ESP.',
  });
export const ProfileList = pageSchema(Profile).meta({ id: 'ProfileList' });

/** As the document of a tenant has it. */
export const ConfiguredProfile = z
  .strictObject({ name: Name, description: Description.default(''), ...profileFields })
  .meta({ id: 'ConfiguredProfile' });

export type ProfileInput = z.infer<typeof ProfileInput>;
export type Profile = z.infer<typeof Profile>;
export type ProfileList = z.infer<typeof ProfileList>;

function isEncapsulation(name: KeyExchangeName): boolean {
  return name.startsWith('ML-KEM');
}
