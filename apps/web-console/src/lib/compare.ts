const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Names as people sort them: case aside, `edge-2` before `edge-10`. */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b);
}

/** True when every word of the filter occurs somewhere in the texts, case aside. An empty filter matches all. */
export function matchesFilter(filter: string, texts: readonly string[]): boolean {
  const haystack = texts.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => haystack.includes(word));
}
