import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromHex } from '@weft/ipsec-core';

/** One vector file: text fields are hexadecimal unless they are names. */
export interface VectorFile {
  readonly vectors: readonly Vector[];
  readonly groups?: readonly Record<string, unknown>[];
  readonly sas?: readonly Record<string, string>[];
}

export class Vector {
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields;
  }

  has(field: string): boolean {
    return this.fields[field] !== undefined && this.fields[field] !== null;
  }

  text(field: string): string {
    const value = this.fields[field];
    if (typeof value !== 'string') throw new Error(`${String(this.fields['name'])}: no text field ${field}`);
    return value;
  }

  octets(field: string): Uint8Array {
    return fromHex(this.text(field));
  }

  number(field: string): number {
    const value = this.fields[field];
    if (typeof value !== 'number') throw new Error(`${String(this.fields['name'])}: no number field ${field}`);
    return value;
  }
}

/** The folder of public vectors: WEFT_VECTORS, or shared/vectors beside the repository; undefined when there is none. */
export function vectorFolder(): string | undefined {
  const named = process.env['WEFT_VECTORS'];
  if (named !== undefined) return existsSync(join(named, 'README.md')) ? named : undefined;
  const here = dirname(fileURLToPath(import.meta.url));
  for (let at = here; at !== dirname(at); at = dirname(at)) {
    const candidate = resolve(at, '../shared/vectors');
    if (existsSync(join(candidate, 'README.md'))) return candidate;
  }
  return undefined;
}

export const VECTORS_ABSENT = 'the public vectors are absent: set WEFT_VECTORS to their folder';

export function loadVectors(folder: string, name: string): VectorFile {
  const file = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as {
    vectors: Record<string, unknown>[];
    groups?: Record<string, unknown>[];
    sas?: Record<string, string>[];
  };
  return { ...file, vectors: file.vectors.map((fields) => new Vector(fields)) };
}
