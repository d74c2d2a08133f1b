#!/usr/bin/env node
// Documents rot when the files they name move. Every `path/like/this` in a Markdown document that starts with one of
// the repository's own folders must exist, and so must the target of every relative link.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean);
const folders = new Set(tracked.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));

const missing = tracked
  .filter((file) => file.endsWith('.md') && fs.existsSync(path.join(root, file)))
  .flatMap((document) => {
    const text = fs.readFileSync(path.join(root, document), 'utf8');
    return [...namedPaths(text), ...linkedPaths(text, document)]
      .filter((name) => !fs.existsSync(path.join(root, name)))
      .map((name) => `${document} names ${name}, which does not exist`);
  });
for (const line of missing) console.error(line);
process.exitCode = missing.length > 0 ? 1 : 0;

/** Inline code that is a path of this repository; globs, placeholders and build output are left out. */
function namedPaths(text) {
  return [...text.matchAll(/`([\w.@-]+(?:\/[\w.@-]+)+\/?)`/g)]
    .map((match) => match[1])
    .filter((name) => folders.has(name.split('/')[0]) && !name.split('/').includes('dist'));
}

function linkedPaths(text, document) {
  return [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1])
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => path.relative(root, path.resolve(root, path.dirname(document), target)));
}
