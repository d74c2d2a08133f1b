import { z } from 'zod';

/**
 * What a backup is made of, below gzip (RFC 1952): frames of one octet that names the kind, four octets of length (big-endian), and
 * that many octets.
 *
 * ```
 * H  header
 * T  a table begins        \
 * D  lines of COPY, text    } for each table, in the order in which they can be filled
 * E  its end, with a count /
 * S  sequences, and what was known of the audit logs
 * K  keys of the fabric, sealed; only when a key was given
 * Z  end: SHA-256 of everything before, and HMAC-SHA256 when a key was given
 * ```
 */
export const FRAME_KINDS = ['H', 'T', 'D', 'E', 'S', 'K', 'Z'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  /** At most FRAME_MAXIMUM_OCTETS. */
  readonly payload: Buffer;
}

export const BackupHeader = z.strictObject({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  /** Major version of the Postgres that it was read from. */
  postgres: z.int().min(1),
  /** Epoch of the controller that was started last. */
  epoch: z.string().regex(/^[0-9]{1,20}$/),
  /** The schema, by the migrations that made it. */
  migrations: z
    .array(z.strictObject({ version: z.int().min(0), name: z.string().max(100), checksum: z.string().max(64) }))
    .min(1)
    .max(10_000),
  /** Tables that are left out on purpose. */
  omitted: z.array(z.string().max(63)).max(100),
});

export const TableStart = z.strictObject({
  name: z.string().min(1).max(63),
  columns: z.array(z.string().min(1).max(63)).min(1).max(1_600),
});

export const TableEnd = z.strictObject({ rows: z.int().min(0) });

export const BackupState = z.strictObject({
  sequences: z
    .array(
      z.strictObject({ name: z.string().max(63), lastValue: z.string().regex(/^-?[0-9]{1,20}$/), called: z.boolean() }),
    )
    .max(10_000),
  /** Tenants whose audit log did not hold when it was saved. */
  brokenAudits: z.array(z.strictObject({ tenantId: z.uuid(), brokenAt: z.int().min(1) })).max(10_000),
});

export const BackupEnd = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  hmac: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

export type BackupHeader = z.infer<typeof BackupHeader>;
export type TableStart = z.infer<typeof TableStart>;
export type TableEnd = z.infer<typeof TableEnd>;
export type BackupState = z.infer<typeof BackupState>;
export type BackupEnd = z.infer<typeof BackupEnd>;

/** Longer ones are refused before they are read. */
export const FRAME_MAXIMUM_OCTETS = 1 << 20;
/** Kind and length. */
export const FRAME_HEADER_OCTETS = 5;
