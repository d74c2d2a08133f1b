import { randomUUID } from 'node:crypto';
import { UnreachableError } from '../platform/cli-error.js';

/**
 * Asks for a write with a key of its own (Idempotency-Key), and once more with the same key when no answer came: it is
 * carried out once whatever became of the first request. Throws what the second request throws.
 */
export async function writeOnce<T>(write: (key: string) => Promise<T>): Promise<T> {
  const key = `"${randomUUID()}"`;
  try {
    return await write(key);
  } catch (error) {
    // One that was late has had its time; asking twice would take twice as long as was allowed.
    if (!(error instanceof UnreachableError) || error.code !== 'not_reached') throw error;
    return await write(key);
  }
}
