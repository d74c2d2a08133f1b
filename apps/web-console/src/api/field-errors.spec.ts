import { describe, expect, it } from 'vitest';
import { placeErrors } from './field-errors.js';

const entry = (pointer: string, detail = 'is wrong', fix = 'Mend it') => ({ pointer, rule: 'r', detail, fix });

describe('placeErrors', () => {
  it('puts detail and fix at the field, as sentences', () => {
    expect(placeErrors([entry('/name')], ['name'])).toEqual({ fields: { name: 'Is wrong. Mend it.' }, rest: [] });
  });

  it('gives a deeper pointer to the nearest field above it', () => {
    const fields = ['services', 'services.0.ports'];
    const { fields: placed } = placeErrors([entry('/services/0/ports/1/first'), entry('/services/10/ports')], fields);
    expect(Object.keys(placed)).toEqual(['services.0.ports', 'services']);
  });

  it('does not take a name that only begins alike', () => {
    const nameless = entry('/nameless');
    expect(placeErrors([nameless], ['name'])).toEqual({ fields: {}, rest: [nameless] });
  });

  it('reads pointers relative to the base, and leaves the others', () => {
    const other = entry('/rules/12/name');
    expect(placeErrors([entry('/rules/1/name'), other], ['name'], '/rules/1')).toEqual({
      fields: { name: 'Is wrong. Mend it.' },
      rest: [other],
    });
  });

  it('joins several entries at one field', () => {
    expect(placeErrors([entry('/a', 'One.', ''), entry('/a', 'Two.', '')], ['a']).fields['a']).toBe('One. Two.');
  });
});
