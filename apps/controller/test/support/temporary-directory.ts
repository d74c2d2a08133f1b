import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory (0700) that lives until remove(). */
export async function temporaryDirectory(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `weft-test-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
