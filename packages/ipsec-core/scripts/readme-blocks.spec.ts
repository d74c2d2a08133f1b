import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withCurrentBlocks } from './readme-blocks.js';

const root = new URL('../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');

describe('README.md', () => {
  it('shows the code that the tests run: else `npm run readme -w @weft/ipsec-core` renews it', () => {
    const readme = read('README.md');
    expect(withCurrentBlocks(readme, read)).toBe(readme);
    expect(readme.match(/^<!-- examples\//gm)?.length).toBeGreaterThanOrEqual(4);
    // No other TypeScript stands there but the one that every provider writes for itself.
    expect(readme.match(/^```ts$/gm)?.length).toBe((readme.match(/^<!-- \S+#\S+ -->$/gm)?.length ?? 0) + 1);
  });

  it('is found out when a block differs, is missing, or names a region that is not there', () => {
    const file = () => 'a\n// #region r\nconst x = 1;\n// #endregion\n';
    const block = (code: string) => `<!-- f.ts#r -->\n\`\`\`ts\n${code}\n\`\`\`\n`;
    expect(withCurrentBlocks(block('const x = 2;'), file)).toBe(block('const x = 1;'));
    expect(() => withCurrentBlocks('<!-- f.ts#r -->\ntext', file)).toThrow(/No code block/);
    expect(() => withCurrentBlocks(block('').replace('#r', '#s'), file)).toThrow(/no region s/);
  });
});
