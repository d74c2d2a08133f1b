import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { whyNodeIsTooOld } from './node-version.mjs';

describe('the version of Node', () => {
  it.each(['20.19.0', '20.20.2', '21.0.0', '22.12.0', '100.0.0'])('%s is recent enough', (version) => {
    expect(whyNodeIsTooOld(version)).toBeUndefined();
  });

  it.each(['20.18.3', '20.9.0', '18.20.8', '0.12.18'])(
    '%s is too old, and the reader is told which will do',
    (version) => {
      expect(whyNodeIsTooOld(version)).toBe(`Weft needs Node 20.19 or newer; this is ${version}.`);
    },
  );

  it('is what package.json demands', () => {
    const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const oldest = /^>=(\d+\.\d+\.\d+)$/.exec(engines.node)?.[1] ?? '';
    expect(whyNodeIsTooOld(oldest)).toBeUndefined();
    const [major, minor] = oldest.split('.').map(Number);
    expect(whyNodeIsTooOld(`${major}.${Number(minor) - 1}.99`)).toBeDefined();
  });
});
