import type { ImportResult } from './configuration.dto.js';

/**
 * What the audit log keeps of an import: how many of what came to be, were changed and removed, and their names, by noun. Values are not
 * in it: the draft has them, and a revision from when it is published.
 */
export function importRecord({ counts, items }: ImportResult, prune: boolean): Record<string, unknown> {
  const { created, changed, removed } = counts;
  const told = items.filter(({ outcome }) => TOLD.has(outcome)).slice(0, NAMES_MAXIMUM);
  const left = created + changed + removed - told.length;
  const namesOf = (wanted: string) => told.filter(({ outcome }) => outcome === wanted).map(nameOf);
  return {
    prune,
    counts: { created, changed, removed },
    created: namesOf('created'),
    changed: namesOf('changed'),
    removed: namesOf('removed'),
    ...(left > 0 && { notNamed: left }),
  };
}

/** As `site berlin`, and of what was changed the fields, too. */
function nameOf({ noun, name, outcome, differences: all }: ImportResult['items'][number]): string {
  const differences = outcome === 'changed' ? all : [];
  const pointers = differences.slice(0, FIELDS_MAXIMUM).map(({ pointer }) => pointer);
  const more = differences.length > pointers.length ? [`and ${differences.length - pointers.length} more`] : [];
  const fields = pointers.length === 0 ? '' : `: ${[...pointers, ...more].join(', ')}`;
  return `${noun.replace('_', ' ')} ${name}${fields}`;
}

const TOLD: ReadonlySet<string> = new Set(['created', 'changed', 'removed']);
/** Of a document with more the entry says how many are left out. */
const NAMES_MAXIMUM = 500;
const FIELDS_MAXIMUM = 10;
