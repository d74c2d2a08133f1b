import { describe, expect, it } from 'vitest';
import { consolePath, refusedPath } from './console-path.js';

describe('consolePath', () => {
  it.each(['/', '/tunnels', '/revisions?number=7', '/edges/1#x'])('is %s as it is', (path) => {
    expect(consolePath(path)).toBe(path);
  });

  it.each([
    ...[undefined, '', 'tunnels', '//evil.example', '/\\evil.example', '/\t/evil.example', '/x\\y', '/ä', '/ '],
    ...['https://evil.example', '/api/v1/session', `/${'x'.repeat(501)}`],
  ])('is the first page for %j', (path) => {
    expect(consolePath(path)).toBe('/');
    expect(new URL(consolePath(path), 'https://weft.example').origin).toBe('https://weft.example');
  });
});

describe('refusedPath', () => {
  it('says why, and where to go on', () => {
    expect(refusedPath('no_role', '/')).toBe('/login?refused=no_role');
    expect(refusedPath('no_role', '/revisions?number=7')).toBe('/login?refused=no_role&next=%2Frevisions%3Fnumber%3D7');
  });
});
