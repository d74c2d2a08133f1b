import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chown, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ControllerConfig } from '../../config/controller-config.js';
import { readSecretFile, writeSecretFile } from '../../pki/key-files.js';

/** A login that was made on the controller's host; the password is with who made it only. */
export interface BreakGlassLogin {
  readonly password: string;
  readonly expiresAt: Date;
}

/**
 * Lets somebody in once, within a quarter of an hour, instead of what was let in by it before and has not come. Whoever may write
 * to WEFT_DATA_DIR may do this: they could read every key of the controller.
 */
export async function makeBreakGlassLogin(
  { dataDirectory }: Pick<ControllerConfig, 'dataDirectory'>,
  now: Date,
): Promise<BreakGlassLogin> {
  const path = pathOf(dataDirectory);
  const password = randomBytes(PASSWORD_OCTETS).toString('base64url');
  const expiresAt = new Date(now.getTime() + LIFE_MILLISECONDS);
  const content = { passwordHash: hashOf(password).toString('hex'), expiresAt: expiresAt.toISOString() };
  await writeSecretFile(path, `${JSON.stringify(content)}\n`, 'replace');
  // The controller must be able to read and remove it, also when root has made it.
  const { uid, gid } = await stat(dataDirectory);
  if (process.getuid?.() === 0) await chown(path, uid, gid);
  return { password, expiresAt };
}

/**
 * True for the password of the login that waits, once: it is gone then, whichever of two comes first. Rejects with PkiError 'bad_file'
 * when others may read the file.
 */
export async function takeBreakGlassLogin(
  { dataDirectory }: Pick<ControllerConfig, 'dataDirectory'>,
  password: string,
  now: Date,
): Promise<boolean> {
  const path = pathOf(dataDirectory);
  const text = await readSecretFile(path);
  const waiting = text === undefined ? undefined : parse(text);
  if (waiting === undefined) return false;
  const right = timingSafeEqual(hashOf(password), Buffer.from(waiting.passwordHash, 'hex'));
  if (!right || Date.parse(waiting.expiresAt) <= now.getTime()) return false;
  return unlink(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function parse(text: string): z.infer<typeof Content> | undefined {
  try {
    return Content.parse(JSON.parse(text));
  } catch {
    // Damaged: it lets nobody in, and is made anew with one command.
    return undefined;
  }
}

function pathOf(dataDirectory: string): string {
  return join(dataDirectory, 'break-glass.json');
}

/** No salt: the password is 160 random bits. */
function hashOf(password: string): Buffer {
  return createHash('sha256').update(password).digest();
}

const Content = z.strictObject({
  passwordHash: z.string().regex(/^[0-9a-f]{64}$/),
  expiresAt: z.iso.datetime(),
});
const PASSWORD_OCTETS = 20;
const LIFE_MILLISECONDS = 15 * 60_000;
