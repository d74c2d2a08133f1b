import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PROGRAMS = ['apps/cli', 'apps/edge-agent'].flatMap((project) => {
  const { bin } = JSON.parse(read(`${project}/package.json`)) as { readonly bin: Readonly<Record<string, string>> };
  return Object.entries(bin).map(([name, file]) => ({ name, file: `${project}/${file.replace(/^\.\//, '')}` }));
});

describe('a program that was built', () => {
  it.each(PROGRAMS)('$name can be started by a link to it, as the documents say', ({ file }) => {
    expect(existsSync(at(file)), `${file} is there: npm run build`).toBe(true);
    expect(read(file)).toMatch(/^#!\/usr\/bin\/env .*node/);
    expect(statSync(at(file)).mode & 0o111).toBe(0o111);
  });
});

function at(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url));
}

function read(file: string): string {
  return readFileSync(at(file), 'utf8');
}
