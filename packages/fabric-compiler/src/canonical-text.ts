import { compareText } from './order.js';

/** JSON that is equal text for equal values, in whatever order somebody keeps their fields. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => compareText(left, right)))
      : part,
  );
}
