import type { ProblemEntry } from './index.js';

export interface PlacedErrors {
  /** By form path (`name`, `services.0.ports`): what is wrong and what to do. */
  readonly fields: Readonly<Record<string, string>>;
  /** Entries that belong to no field of this form. */
  readonly rest: readonly ProblemEntry[];
}

/**
 * Puts the entries of a problem at the fields of a form. A pointer that goes deeper than a field belongs to that field
 * (`/services/0/ports/1/first` to `services.0.ports`). `base` is the pointer of the form's value within the request.
 */
export function placeErrors(errors: readonly ProblemEntry[], fields: readonly string[], base = ''): PlacedErrors {
  const placed: Record<string, string> = {};
  const rest: ProblemEntry[] = [];
  for (const entry of errors) {
    const field = entry.pointer.startsWith(`${base}/`)
      ? deepestField(pathOf(entry.pointer.slice(base.length)), fields)
      : undefined;
    if (field === undefined) rest.push(entry);
    else placed[field] = [placed[field], sentence(entry)].filter((text) => text !== undefined).join(' ');
  }
  return { fields: placed, rest };
}

/** Detail and fix of one entry as running text. */
export function sentence(entry: ProblemEntry): string {
  return `${withStop(entry.detail)} ${withStop(entry.fix)}`.trim();
}

function deepestField(path: string, fields: readonly string[]): string | undefined {
  return fields
    .filter((field) => path === field || path.startsWith(`${field}.`))
    .reduce<string | undefined>(
      (best, field) => (best === undefined || field.length > best.length ? field : best),
      undefined,
    );
}

function pathOf(pointer: string): string {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

function withStop(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
