import { jsonPointer } from '../../platform/http/schema-issues.js';
import type { FieldDifference } from './configuration.dto.js';

/**
 * Where two values differ: in the fields of objects that both have, in the items of lists of the same length, and otherwise
 * whole. Both are data as JSON has it.
 */
export function differences(before: unknown, after: unknown, path: readonly PropertyKey[] = []): FieldDifference[] {
  if (Object.is(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, index) => differences(item, after[index], [...path, index]));
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  return [{ pointer: jsonPointer(path), before: before ?? null, after: after ?? null }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
