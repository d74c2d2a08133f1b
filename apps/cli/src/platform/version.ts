import { readFileSync } from 'node:fs';
import { z } from 'zod';

const PackageDescription = z.object({ version: z.string() });

/** Version of this program, from its package.json: one directory above both `src` and `dist`. */
export const CLI_VERSION: string = PackageDescription.parse(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
).version;
