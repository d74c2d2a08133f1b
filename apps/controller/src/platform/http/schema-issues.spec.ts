import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { problemEntries } from './schema-issues.js';

function entries(schema: z.ZodType, input: unknown) {
  return problemEntries(schema.safeParse(input).error?.issues ?? [], input);
}

describe('what is wrong with a value', () => {
  it('is that it is missing, unless a rule of its own says why it is needed', () => {
    const pair = z.object({ a: z.string(), b: z.string().optional() }).superRefine(({ b }, context) => {
      if (b !== undefined) return;
      const params = { rule: 'required', fix: 'Give b with this a.' };
      context.addIssue({ code: 'custom', path: ['b'], message: 'This a needs a b', params });
    });
    expect(entries(pair, {})).toEqual([
      { pointer: '/a', rule: 'required', detail: 'The value is missing', fix: 'Give a value.' },
    ]);
    expect(entries(pair, { a: '' })).toEqual([
      { pointer: '/b', rule: 'required', detail: 'This a needs a b', fix: 'Give b with this a.' },
    ]);
  });

  it('is, of a choice that there is not, which ones there are, and every field that none of them has', () => {
    const one = z.strictObject({ kind: z.literal('one'), size: z.int() });
    const two = z.strictObject({ kind: z.literal('two'), name: z.string() });
    const choice = z.strictObject({ at: z.discriminatedUnion('kind', [one, two], { unionFallback: true }) });
    const told = (at: unknown) => entries(choice, { at }).map(({ pointer, rule, fix }) => [pointer, rule, fix]);
    const unknown = (field: string) => [`/at/${field}`, 'unknown_field', 'Remove it, or correct its spelling.'];
    expect(told({ kind: 'three', name: 'x', colour: 1 })).toEqual([
      ['/at/kind', 'choice', 'Give one of: one, two.'],
      unknown('colour'),
    ]);
    expect(told({ colour: 1 })).toEqual([['/at/kind', 'required', 'Give a value.'], unknown('colour')]);
    expect(told({ kind: 'two', name: 'x', size: 1 })).toEqual([unknown('size')]);
  });
});
