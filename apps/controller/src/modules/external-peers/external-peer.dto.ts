import { MAX_SETTINGS_TEXT } from '@weft/fabric-compiler';
import { z } from 'zod';
import { pageSchema } from '../../platform/http/page.js';
import { Description, Identifier, Name, Prefix, Timestamp, UnderlayAddress } from '../../platform/http/schemas.js';
import { AssignedAddress, AssignedAddressInput, assignedOf } from './assigned-address.dto.js';
import { isCertificatePem } from './certificate-text.js';
import { KEY_EXCHANGE_NAMES } from './key-exchange-names.js';

const MAX_PREFIXES = 32;
const MAX_CERTIFICATES = 8;
const MAX_CERTIFICATE_TEXT = 32_768;
/** More would be more than a body may have. */
const MAX_IMPORTED_CERTIFICATES = 100;
const MAX_FILE_NAME = 255;
const MAX_IKE_PROPOSALS = 8;
/** RFC 9370 section 4.1: seven additional ones. */
const MAX_KEY_EXCHANGES = 8;
export const MAX_EXTERNAL_PEERS = 1000;

const KeyBits = z.union([z.literal(128), z.literal(192), z.literal(256)]).meta({ description: 'Of AES-GCM-16.' });

const KeyExchangeMethods = z.array(z.enum(KEY_EXCHANGE_NAMES)).max(MAX_KEY_EXCHANGES);

export const ExternalIkeProposal = z
  .strictObject({
    keyBits: KeyBits,
    prf: z.enum(['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512']),
    keyExchange: KeyExchangeMethods.min(1).meta({ description: 'The first, and what is added to it (RFC 9370).' }),
  })
  .meta({ id: 'ExternalIkeProposal', description: 'Algorithms of an IKE SA, with AES-GCM-16.' });

export const ExternalEspProposal = z
  .strictObject({
    keyBits: KeyBits,
    extendedSequenceNumbers: z.boolean().meta({ description: 'RFC 4303 section 2.2.1. Many gateways have none.' }),
    keyExchange: KeyExchangeMethods.meta({
      description:
        'When a Child SA is rekeyed; empty: keys come from the IKE SA, without forward secrecy of their own.',
    }),
  })
  .meta({ id: 'ExternalEspProposal', description: 'Algorithms of the Child SA: ESP in tunnel mode, with AES-GCM-16.' });

const IkeIdentity = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[\x21-\x7e]+$/, 'has characters that no domain name, mailbox or address has');
const IDENTITY_FORMS =
  'a domain name, a mailbox or an IP address; or a key ID: "keyid:" and text, or "keyid:#" and hexadecimal (RFC 7296 section 3.5).';

const CertificateText = z
  .string()
  .max(MAX_CERTIFICATE_TEXT)
  .refine(isCertificatePem, {
    message: 'The text is not the PEM of one X.509 certificate',
    params: { rule: 'certificate_format', fix: 'Give one certificate from BEGIN CERTIFICATE to END CERTIFICATE.' },
  });

const Certificates = z.array(CertificateText).min(1).max(MAX_CERTIFICATES).meta({
  description:
    'PEM of authorities that the gateway has its certificate from, or of its own certificate: it is believed when it shows one of these or one from these, which names its identity as a subject alternative name (RFC 4945 section 3.1) and, if it limits the use of its key, allows id-kp-ipsecIKE. In place of a pre-shared key.',
});

/** What describes an external peer in every form of it, but for its key and for what it is assigned. */
export const externalPeerFields = {
  name: Name,
  description: Description.default(''),
  siteId: Identifier.meta({
    description:
      'The site whose edge has the tunnel; it has exactly one edge. The address pools of a remote host are of it.',
  }),
  address: UnderlayAddress.optional().meta({
    description: 'Where a gateway is; nobody is it who comes from elsewhere. Absent: a remote host.',
  }),
  port: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .meta({
      description: 'UDP port of IKE and ESP (RFC 3948) of a gateway, 4500 unless it is said.',
      examples: [4500],
    }),
  identity: IkeIdentity.meta({
    description: `What the gateway shows (IDr, IDi): ${IDENTITY_FORMS}`,
    examples: ['gw.partner.example'],
  }),
  localIdentity: IkeIdentity.optional().meta({
    description: `With a pre-shared key, what our edge shows to it: ${IDENTITY_FORMS} With certificates it is absent: the edge shows the subject of its own.`,
    examples: ['berlin.example'],
  }),
  certificates: Certificates.optional(),
  prefixes: z
    .array(Prefix)
    .min(1)
    .max(MAX_PREFIXES)
    .optional()
    .meta({ description: 'Networks behind a gateway; together the traffic selectors of one Child SA.' }),
  ikeProposals: z
    .array(ExternalIkeProposal)
    .min(1)
    .max(MAX_IKE_PROPOSALS)
    .default([{ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] }])
    .meta({ description: 'What both ends use, preferred first.' }),
  espProposal: ExternalEspProposal.default({
    keyBits: 256,
    extendedSequenceNumbers: false,
    keyExchange: ['X25519'],
  }),
};

const KeyText = z
  .string()
  .max(256)
  .regex(/^[\x20-\x7e]+$/, 'has characters other than printable ASCII');
const KEY_TEXT =
  'The key that both ends have (RFC 7296 section 2.15), at random: whoever guesses it can pose as either. Kept sealed, never shown again.';
const MIN_KEY_LENGTH = 16;

const PreSharedKey = KeyText.min(MIN_KEY_LENGTH).meta({ description: KEY_TEXT, format: 'password' });

/** What reading says of a key. No key is as short. */
export const KEPT_KEY = 'set';

export const PreSharedKeyOrKept = KeyText.refine((text) => text === KEPT_KEY || text.length >= MIN_KEY_LENGTH, {
  message: `The text is neither "${KEPT_KEY}" nor a key of at least ${MIN_KEY_LENGTH} characters`,
  params: { rule: 'too_small', fix: `Give a longer key, or "${KEPT_KEY}" to keep the one that there is.` },
}).meta({
  description: `${KEPT_KEY}: the key that there is. Or a key. ${KEY_TEXT}`,
  format: 'password',
});

/** A gateway has an address and prefixes, a remote host what it is assigned; nobody is both or neither. */
export function refineForm(
  {
    assigned,
    ...gateway
  }: { assigned?: readonly unknown[] | undefined; address?: unknown; port?: unknown; prefixes?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const add = (field: string, rule: string, message: string, fix: string) =>
    context.addIssue({ code: 'custom', path: [field], message, params: { rule, fix } });
  if (assigned === undefined) {
    const fix = 'Give it, or say what a remote host is assigned (assigned).';
    if (gateway.address === undefined) add('address', 'required', 'A gateway has an address', fix);
    if (gateway.prefixes === undefined) add('prefixes', 'required', 'A gateway has prefixes behind it', fix);
    return;
  }
  for (const field of ['address', 'port', 'prefixes'] as const) {
    if (gateway[field] === undefined) continue;
    const message = 'A remote host comes from anywhere, and has the addresses that it is assigned';
    add(field, 'two_forms', message, 'Leave it out, or leave assigned out of a gateway.');
  }
}

/** A key and an identity of ours, or certificates. */
function refineProof(
  {
    preSharedKey,
    certificates,
    localIdentity,
  }: { preSharedKey?: unknown; certificates?: unknown; localIdentity?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const add = (field: string, rule: string, message: string, fix: string) =>
    context.addIssue({ code: 'custom', path: [field], message, params: { rule, fix } });
  if (certificates === undefined) {
    if (localIdentity !== undefined) return;
    add('localIdentity', 'required', 'With a pre-shared key our edge needs an identity to show', 'Give one.');
    return;
  }
  if (preSharedKey !== undefined) {
    add(
      'preSharedKey',
      'two_proofs',
      'Certificates prove who the gateway is',
      'Leave out the key, or the certificates.',
    );
  }
  if (localIdentity !== undefined) {
    add('localIdentity', 'two_proofs', 'With certificates our edge shows the subject of its own', 'Leave it out.');
  }
}

/** As `refineProof`, where no key is kept. */
export function refineWholeProof(
  peer: { preSharedKey?: unknown; certificates?: unknown; localIdentity?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (peer.preSharedKey === undefined && peer.certificates === undefined) {
    const message = 'Nothing proves who the gateway is';
    const params = { rule: 'required', fix: 'Give a pre-shared key, or certificates.' };
    context.addIssue({ code: 'custom', path: ['preSharedKey'], message, params });
  }
  refineProof(peer, context);
}

const EXAMPLE = {
  name: 'partner',
  siteId: '8a0c1d3e-5b7f-4c2a-9e60-1f2b3c4d5e6f',
  address: '203.0.113.99',
  identity: 'gw.partner.example',
  localIdentity: 'berlin.example',
  prefixes: ['10.8.0.0/24', '10.9.0.0/16'],
};

const HOST_EXAMPLE = {
  name: 'notebook of Ada',
  siteId: '8a0c1d3e-5b7f-4c2a-9e60-1f2b3c4d5e6f',
  identity: 'ada@corp.example',
  localIdentity: 'berlin.example',
  assigned: [{ addressPoolId: '3d9f6a52-7c1e-4b08-a4d6-95e0f1b2c3d4', address: '10.99.0.1' }],
};

/** What reading adds to either form. */
const KEPT_EXAMPLE = {
  id: '8e03978e-40d5-43e8-bc93-6894a57f9324',
  description: '',
  ikeProposals: [{ keyBits: 256, prf: 'hmac-sha2-384', keyExchange: ['X25519'] }],
  espProposal: { keyBits: 256, extendedSequenceNumbers: false, keyExchange: ['X25519'] },
  preSharedKey: KEPT_KEY,
  version: 1,
  createdAt: '2026-03-14T09:26:53.589Z',
  updatedAt: '2026-03-14T09:26:53.589Z',
};

const SWANCTL_EXAMPLE = `connections {
  berlin {
    version = 2
    local_addrs = 203.0.113.99
    proposals = aes256gcm16-prfsha384-x25519
    local { auth = psk
      id = gw.partner.example }
    remote { auth = psk
      id = berlin.example }
    children { net {
      local_ts = 10.8.0.0/24
      remote_ts = 10.0.0.0/8
      esp_proposals = aes256gcm16-x25519
    } }
  }
}
secrets { ike-berlin { secret = "a long random text from a generator" } }
`;

export const CreateExternalPeer = z
  .strictObject({
    ...externalPeerFields,
    assigned: assignedOf(AssignedAddressInput),
    preSharedKey: PreSharedKey.optional(),
  })
  .superRefine(refineForm)
  .superRefine(refineWholeProof)
  .meta({
    id: 'CreateExternalPeer',
    examples: [EXAMPLE, HOST_EXAMPLE].map((example) => ({
      ...example,
      preSharedKey: 'a long random text from a generator',
    })),
  });

export const ReplaceExternalPeer = z
  .strictObject({
    ...externalPeerFields,
    assigned: assignedOf(AssignedAddressInput),
    preSharedKey: PreSharedKey.optional().meta({
      description: 'Absent: stays as it is, unless there are certificates.',
    }),
  })
  .superRefine(refineForm)
  .superRefine(refineProof)
  .meta({ id: 'ReplaceExternalPeer', description: 'A whole external peer, but for its key.', examples: [EXAMPLE] });

export const ExternalPeer = z
  .object({
    id: Identifier,
    ...externalPeerFields,
    name: z.string(),
    description: z.string(),
    assigned: assignedOf(AssignedAddress),
    preSharedKey: z.literal(KEPT_KEY).optional().meta({ description: 'There is one; it is never shown.' }),
    version: z.int().min(1).meta({ description: 'Grows with every change; the ETag is this number in quotes.' }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({
    id: 'ExternalPeer',
    description:
      'Who is none of ours and has a tunnel with one edge, by IKEv2: a gateway, with an address and prefixes behind it, or a remote host, which is assigned addresses.',
    examples: [
      { ...KEPT_EXAMPLE, ...EXAMPLE, port: 4500 },
      { ...KEPT_EXAMPLE, ...HOST_EXAMPLE },
    ],
  });
export const ExternalPeerList = pageSchema(ExternalPeer).meta({ id: 'ExternalPeerList' });

export const ExternalPeerImport = z
  .strictObject({
    siteId: Identifier.meta({ description: 'The site whose edge is to have the tunnels; it has exactly one edge.' }),
    text: z
      .string()
      .max(MAX_SETTINGS_TEXT)
      .meta({
        description:
          'swanctl.conf(5) of the gateway, with the pre-shared keys in secrets. What is local there is the external peer, what is remote our edge.',
        examples: [SWANCTL_EXAMPLE],
      }),
    certificates: z
      .array(
        z.strictObject({
          fileName: z
            .string()
            .min(1)
            .max(MAX_FILE_NAME)
            .regex(/^[^/\p{C}]+$/u, 'has slashes or control characters'),
          text: CertificateText.meta({ description: 'PEM of one certificate.' }),
        }),
      )
      .max(MAX_IMPORTED_CERTIFICATES)
      .default([])
      .meta({
        description:
          'Those that certs names of connections with auth = pubkey, from the folder x509 of the gateway; of a connection without certs, those that name its id. They are pinned.',
      }),
  })
  .meta({ id: 'ExternalPeerImport' });

export const ExternalPeerImportResult = z
  .object({
    items: z.array(ExternalPeer).meta({ description: 'What was made of the connections, in their order.' }),
    leftAtGateway: z
      .array(z.object({ key: z.string(), line: z.int().min(1) }))
      .meta({ description: 'Settings that concern the gateway alone: nothing here follows from them.' }),
  })
  .meta({ id: 'ExternalPeerImportResult' });

export const SnippetQuery = z.strictObject({
  format: z
    .enum(['swanctl', 'libreswan'])
    .default('swanctl')
    .meta({ description: 'swanctl: strongSwan, for /etc/swanctl/conf.d. libreswan: Libreswan, for /etc/ipsec.d.' }),
});

export const ExternalPeerSnippet = z
  .object({
    format: z.enum(['swanctl', 'libreswan']),
    fileName: z.string(),
    text: z.string(),
    secrets: z
      .object({ fileName: z.string(), text: z.string() })
      .optional()
      .meta({ description: 'A second file, for keys, when the format has one.' }),
    secretPlaceholder: z.string().optional().meta({
      description: 'Stands where the pre-shared key is to be written: in the text of secrets, or else in the text.',
    }),
    certificates: z
      .array(z.object({ fileName: z.string(), text: z.string() }))
      .optional()
      .meta({ description: 'Files with the authorities of our edges, PEM, that the text names.' }),
  })
  .meta({ id: 'ExternalPeerSnippet', description: 'What the operator of the gateway configures, by the draft.' });

export type ExternalIkeProposal = z.infer<typeof ExternalIkeProposal>;
export type ExternalEspProposal = z.infer<typeof ExternalEspProposal>;
export type CreateExternalPeer = z.infer<typeof CreateExternalPeer>;
export type ReplaceExternalPeer = z.infer<typeof ReplaceExternalPeer>;
export type ExternalPeer = z.infer<typeof ExternalPeer>;
export type ExternalPeerList = z.infer<typeof ExternalPeerList>;
export type SnippetQuery = z.infer<typeof SnippetQuery>;
export type ExternalPeerImport = z.infer<typeof ExternalPeerImport>;
export type ExternalPeerImportResult = z.infer<typeof ExternalPeerImportResult>;
export type ExternalPeerSnippet = z.infer<typeof ExternalPeerSnippet>;
