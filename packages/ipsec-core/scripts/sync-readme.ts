import { readFileSync, writeFileSync } from 'node:fs';
import { withCurrentBlocks } from './readme-blocks.js';

/** Rewrites the code blocks of README.md from the examples; a spec fails while they differ. */
const root = new URL('../', import.meta.url);
const readme = new URL('README.md', root);
writeFileSync(
  readme,
  withCurrentBlocks(readFileSync(readme, 'utf8'), (file) => readFileSync(new URL(file, root), 'utf8')),
);
