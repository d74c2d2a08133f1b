import { describeEntry, formatMilliseconds } from './describe-entry.js';
import type { ExplainedEntry } from './explained-entry.js';

/** A history as mermaid source: who sent what to whom and when, and what came of it. `us` and `peer` name the two ends. */
export function sequenceDiagram(
  entries: readonly ExplainedEntry[],
  names: { readonly us: string; readonly peer: string },
): string {
  const start = entries[0]?.at ?? 0;
  return [
    'sequenceDiagram',
    `  participant us as ${escaped(names.us)}`,
    `  participant peer as ${escaped(names.peer)}`,
    ...entries.map((entry) => `  ${arrowOf(entry)}: ${textOf(entry, entry.at - start)}`),
  ].join('\n');
}

function arrowOf(entry: ExplainedEntry): string {
  switch (entry.kind) {
    case 'message': {
      const arrow = entry.response ? '-->>' : '->>';
      return entry.direction === 'sent' ? `us${arrow}peer` : `peer${arrow}us`;
    }
    case 'retransmitted':
    case 'sent-by-another-path':
      return 'us->>peer';
    case 'answered-again':
      return 'us-->>peer';
    default:
      return NOTES_ABOUT_THE_PEER.has(entry.kind) ? 'Note over peer' : 'Note over us';
  }
}

function textOf(entry: ExplainedEntry, since: number): string {
  const { what, details } = describeEntry(entry);
  return [`${formatMilliseconds(since)} ${what}`, ...details].map(escaped).join('<br/>');
}

/** Characters that end a statement or begin an entity in mermaid. */
function escaped(text: string): string {
  return text.replace(/[#;<>\n]/g, (character) => `#${character.charCodeAt(0)};`);
}

const NOTES_ABOUT_THE_PEER: ReadonlySet<ExplainedEntry['kind']> = new Set(['refused', 'child-taken-back']);
