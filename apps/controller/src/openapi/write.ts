import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { openApiText } from './document.js';

/** Writes the OpenAPI document to a file. */
export async function writeOpenApi(path: string): Promise<void> {
  await writeFile(path, await openApiText());
}
