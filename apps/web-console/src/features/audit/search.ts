import type { AuditEntry, AuditLog } from '../../api/index.js';
import { plural } from '../../lib/format-quantity.js';
import { ACTIONS } from './describe.js';

/** What entries are looked for, as the URL of the page has it. Times are UTC, so that a link says the same everywhere. */
export interface AuditConditions {
  readonly actor?: string;
  readonly action?: AuditEntry['action'];
  readonly object?: string;
  readonly since?: string;
  readonly until?: string;
}

/** That, and the page of it: entries with a lower number. */
export interface AuditSearch extends AuditConditions {
  readonly before?: number;
}

/** Reads the URL. What it says and the log cannot be asked is left out, and the form then shows that it is. */
export function auditSearch(search: Readonly<Record<string, unknown>>): AuditSearch {
  const [actor, object] = [textOf(search['actor']), textOf(search['object'])];
  const action = ACTIONS.find((known) => known === search['action']);
  const [since, until] = [instantOf(search['since']), instantOf(search['until'])];
  const before = search['before'];
  return {
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(object !== undefined && { object }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(Number.isSafeInteger(before) && Number(before) > 0 && { before: Number(before) }),
  };
}

/** The search without its page: where its newest entries are. */
export function conditionsOf({ before: _, ...conditions }: AuditSearch): AuditConditions {
  return conditions;
}

/** Whether it is a part of the log that is looked at, not all of it. */
export function isNarrowed(conditions: AuditConditions): boolean {
  return Object.keys(conditions).length > 0;
}

/** Which entries a page has. Without conditions their numbers have no gap. */
export function pageText({ items, next }: Pick<AuditLog, 'items' | 'next'>, conditions: AuditConditions): string {
  const [newest, oldest] = [items[0]?.sequence, items.at(-1)?.sequence];
  if (!isNarrowed(conditions) && newest !== oldest) return `Entries ${newest} to ${oldest}`;
  return `${plural(items.length, 'entry', 'entries')}${next === null ? '' : ', and older ones'}`;
}

/** A name may look like a number, and the router then reads it as one. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return text === '' ? undefined : text;
}

function instantOf(value: unknown): string | undefined {
  const instant = typeof value === 'string' ? new Date(value) : undefined;
  return instant === undefined || Number.isNaN(instant.getTime()) ? undefined : instant.toISOString();
}
