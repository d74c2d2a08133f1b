import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DropReason, fromHex, toHex } from '@weft/ipsec-core';
import type { Step } from './session.js';

/** The smallest input that the fuzzer found for a drop reason. */
export interface CorpusEntry {
  readonly reason: DropReason;
  readonly steps: readonly Step[];
}

export const CORPUS = fileURLToPath(new URL('./corpus.json', import.meta.url));

export function loadCorpus(): readonly CorpusEntry[] {
  return JSON.parse(readFileSync(CORPUS, 'utf8'), (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(HEX) ? fromHex(value.slice(HEX.length)) : value,
  ) as readonly CorpusEntry[];
}

/** One entry a line; octets as hexadecimal. */
export function serialiseCorpus(entries: readonly CorpusEntry[]): string {
  const lines = entries.map((entry) =>
    JSON.stringify(entry, (_, value: unknown) => (value instanceof Uint8Array ? HEX + toHex(value) : value)),
  );
  return `[\n${lines.join(',\n')}\n]\n`;
}

const HEX = 'hex:';
