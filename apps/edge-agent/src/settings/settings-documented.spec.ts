import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environmentName, SETTINGS } from './settings.js';

const text = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8');

describe('docs/operations.md', () => {
  it('has a line for every setting, and for nothing else that looks like one', () => {
    const documented = [...text.matchAll(/^\| `([a-z-]+)` \| `(WEFT_EDGE_[A-Z_]+)` \|/gm)].map(([, ...names]) => names);
    expect(documented).toEqual(SETTINGS.map(({ name }) => [name, environmentName(name)]));
  });
});
