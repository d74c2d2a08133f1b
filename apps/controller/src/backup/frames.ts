import { createHash, createHmac, type Hash, type Hmac, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { BackupError } from './backup-error.js';
import {
  BackupEnd,
  FRAME_HEADER_OCTETS,
  FRAME_KINDS,
  FRAME_MAXIMUM_OCTETS,
  type Frame,
  type FrameKind,
} from './backup-format.js';

/** A frame with a JSON value. */
export function jsonFrame(kind: FrameKind, value: unknown): Frame {
  return { kind, payload: Buffer.from(JSON.stringify(value), 'utf8') };
}

/** The value of a frame. Throws BackupError 'damaged' when it has another shape. */
export function parseFrame<T>({ kind, payload }: Frame, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(payload.toString('utf8')));
  } catch (cause) {
    throw damaged(`a frame of kind ${kind} does not hold what it should`, cause);
  }
}

/** Octets of the frames, and of the end frame that covers them. @param macKey null: whoever changes the backup can make another end */
export async function* encodeFrames(
  frames: AsyncIterable<Frame>,
  macKey: Buffer | null,
): AsyncGenerator<Buffer, void, undefined> {
  const seal = new Seal(macKey);
  for await (const frame of frames) {
    const octets = encodeFrame(frame);
    seal.update(octets);
    yield octets;
  }
  yield encodeFrame(jsonFrame('Z', seal.end()));
}

/**
 * The frames before the end, as soon as each is whole; the generator returns what the end says. Throws BackupError 'damaged' when it does not fit what came before it, when
 * octets follow it, and when there is none; 'key' when there is a key and the end is not made with it.
 */
export async function* decodeFrames(
  octets: AsyncIterable<Buffer>,
  macKey: Buffer | null,
): AsyncGenerator<Frame, BackupEnd, undefined> {
  const seal = new Seal(macKey);
  let pending: Buffer = Buffer.alloc(0);
  let end: BackupEnd | undefined;
  for await (const chunk of octets) {
    if (end !== undefined) throw damaged('octets follow its end');
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const frame = firstFrame(pending);
      if (frame === undefined) break;
      const whole = pending.subarray(0, FRAME_HEADER_OCTETS + frame.payload.length);
      pending = pending.subarray(whole.length);
      if (frame.kind === 'Z') {
        end = seal.check(parseFrame(frame, BackupEnd));
        break;
      }
      seal.update(whole);
      yield frame;
    }
    if (end !== undefined && pending.length > 0) throw damaged('octets follow its end');
  }
  if (end === undefined) throw damaged('its end is missing');
  return end;
}

function encodeFrame({ kind, payload }: Frame): Buffer {
  if (payload.length > FRAME_MAXIMUM_OCTETS) {
    throw new BackupError('unsuitable_database', `a frame of kind ${kind} would have ${payload.length} octets`);
  }
  const header = Buffer.alloc(FRAME_HEADER_OCTETS);
  header.write(kind, 0, 'latin1');
  header.writeUInt32BE(payload.length, 1);
  return Buffer.concat([header, payload]);
}

/** Undefined while it is not whole. */
function firstFrame(octets: Buffer): Frame | undefined {
  if (octets.length < FRAME_HEADER_OCTETS) return undefined;
  const kind = FRAME_KINDS.find((known) => known.charCodeAt(0) === octets[0]);
  const length = octets.readUInt32BE(1);
  if (kind === undefined || length > FRAME_MAXIMUM_OCTETS) throw damaged('a frame of no kind');
  if (octets.length < FRAME_HEADER_OCTETS + length) return undefined;
  return { kind, payload: octets.subarray(FRAME_HEADER_OCTETS, FRAME_HEADER_OCTETS + length) };
}

/** Digests of everything up to here. */
class Seal {
  readonly #hash: Hash = createHash('sha256');
  readonly #hmac: Hmac | null;

  constructor(macKey: Buffer | null) {
    this.#hmac = macKey && createHmac('sha256', macKey);
  }

  update(octets: Buffer): void {
    this.#hash.update(octets);
    this.#hmac?.update(octets);
  }

  end(): BackupEnd {
    return { sha256: this.#hash.digest('hex'), hmac: this.#hmac?.digest('hex') ?? null };
  }

  check(said: BackupEnd): BackupEnd {
    const computed = this.end();
    if (!equal(computed.sha256, said.sha256)) throw damaged('its checksum is another');
    if (computed.hmac === null) return said;
    if (said.hmac === null) throw new BackupError('key', 'the backup was made without a key; restore it without one');
    if (!equal(computed.hmac, said.hmac)) {
      throw new BackupError('key', 'the backup was made with another key, or was changed by somebody who has it not');
    }
    return said;
  }
}

function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left, 'hex'), Buffer.from(right, 'hex'));
}

function damaged(what: string, cause?: unknown): BackupError {
  return new BackupError('damaged', `the file is no whole backup (${what}); take another one`, cause);
}
