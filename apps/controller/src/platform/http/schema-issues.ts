import type { z } from 'zod';
import { deprecation } from './deprecated-algorithms.js';
import type { ProblemEntry } from './schemas.js';

type Issue = z.core.$ZodIssue;

/** One entry for each value at fault, with a pointer to it. Bounded: a hostile body has hostile numbers of faults. */
export function problemEntries(issues: readonly Issue[], input: unknown): ProblemEntry[] {
  return issues.flatMap((issue) => entriesOf(issue, input)).slice(0, MAX_ENTRIES);
}

/** JSON pointer (RFC 6901) of a path. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function entriesOf(issue: Issue, input: unknown): ProblemEntry[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: jsonPointer([...issue.path, key]),
      rule: 'unknown_field',
      detail: `"${key.slice(0, MAX_QUOTED)}" is no field here`,
      fix: 'Remove it, or correct its spelling.',
    }));
  }
  if (issue.code === 'invalid_union') {
    const common = commonIssues(issue.errors);
    if (common.length > 0) return common.flatMap((one) => entriesOf(prefixed(one, issue.path), input));
  }
  const pointer = jsonPointer(issue.path);
  if (issue.code !== 'custom' && valueAt(input, issue.path) === undefined) {
    return [{ pointer, rule: 'required', detail: 'The value is missing', fix: 'Give a value.' }];
  }
  const deprecated = issue.code === 'invalid_value' ? deprecation(valueAt(input, issue.path)) : undefined;
  if (deprecated === undefined) return [{ pointer, ...explain(issue) }];
  return [{ pointer, ...explain(issue), rule: 'deprecated_algorithm', detail: capitalized(deprecated) }];
}

/** What no choice of a union takes: fields that none of them knows, and the value by which all of them are told apart. */
function commonIssues(choices: readonly (readonly Issue[])[]): Issue[] {
  const [first = [], ...others] = choices;
  return first.flatMap((issue): Issue[] => {
    if (issue.code === 'unrecognized_keys') {
      const keys = issue.keys.filter((key) => others.every((issues) => unknownAt(issues, issue.path).includes(key)));
      return keys.length === 0 ? [] : [{ ...issue, keys }];
    }
    if (issue.code !== 'invalid_value') return [];
    const wanted = others.map((issues) => valuesAt(issues, issue.path));
    return wanted.some((values) => values.length === 0)
      ? []
      : [{ ...issue, values: [...issue.values, ...wanted.flat()] }];
  });
}

function unknownAt(issues: readonly Issue[], path: readonly PropertyKey[]): readonly string[] {
  return issues.flatMap((one) => (one.code === 'unrecognized_keys' && samePath(one.path, path) ? one.keys : []));
}

function valuesAt(issues: readonly Issue[], path: readonly PropertyKey[]) {
  return issues.flatMap((one) => (one.code === 'invalid_value' && samePath(one.path, path) ? one.values : []));
}

function samePath(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return jsonPointer(one) === jsonPointer(other);
}

function prefixed(issue: Issue, path: readonly PropertyKey[]): Issue {
  return { ...issue, path: [...path, ...issue.path] };
}

function explain(issue: Issue): Omit<ProblemEntry, 'pointer'> {
  switch (issue.code) {
    case 'invalid_type':
      return {
        rule: 'type',
        detail: `The value is no ${issue.expected}`,
        fix: `Give a value of type ${issue.expected}.`,
      };
    case 'too_small': {
      const bound = `${issue.minimum}${unitOf(issue.origin)}`;
      return { rule: 'too_small', detail: `The value is below ${bound}`, fix: `Give at least ${bound}.` };
    }
    case 'too_big': {
      const bound = `${issue.maximum}${unitOf(issue.origin)}`;
      return { rule: 'too_big', detail: `The value is above ${bound}`, fix: `Give at most ${bound}.` };
    }
    case 'invalid_value': {
      const choices = issue.values.map(String).join(', ');
      return { rule: 'choice', detail: 'The value is none of the choices', fix: `Give one of: ${choices}.` };
    }
    case 'invalid_union':
      return {
        rule: 'choice',
        detail: 'The value is none of the choices',
        fix: 'Give one that the API document names.',
      };
    case 'invalid_format':
      return formatIssue(issue.format, issue.message);
    case 'custom':
      return {
        rule: String(issue.params?.['rule'] ?? 'invalid'),
        detail: issue.message,
        fix: String(issue.params?.['fix'] ?? 'Correct the value.'),
      };
    default:
      return { rule: issue.code, detail: issue.message, fix: 'Correct the value.' };
  }
}

function formatIssue(format: string, message: string): Omit<ProblemEntry, 'pointer'> {
  if (format === 'regex') return { rule: 'characters', detail: `The text ${message}`, fix: 'Remove those characters.' };
  return { rule: `format_${format}`, detail: `The text is no ${format}`, fix: `Give a valid ${format}.` };
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' items' : '';
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part],
    input,
  );
}

const MAX_ENTRIES = 100;
const MAX_QUOTED = 100;
