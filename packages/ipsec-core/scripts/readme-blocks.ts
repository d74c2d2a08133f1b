/**
 * Puts tested code into a document: each block behind a marker `<!-- file#region -->` becomes what stands between
 * `// #region region` and `// #endregion` of that file. Throws when a file, a region or a block is missing.
 */
export function withCurrentBlocks(document: string, read: (file: string) => string): string {
  return document.replaceAll(/^<!-- ([^\s#]+)#([\w-]+) -->\n(```ts\n[\s\S]*?^```)?/gm, (_, file, region, block) => {
    if (block === undefined) throw new Error(`No code block follows the marker of ${file}#${region}.`);
    return `<!-- ${file}#${region} -->\n\`\`\`ts\n${regionOf(read(file), file, region)}\n\`\`\``;
  });
}

function regionOf(text: string, file: string, region: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const end = lines.findIndex((line, i) => i > start && line.trim() === '// #endregion');
  if (start === -1 || end === -1) throw new Error(`${file} has no region ${region}.`);
  return lines.slice(start + 1, end).join('\n');
}
