/** Labels as people write them: `role=branch, region=emea`. */
export type Labels = Readonly<Record<string, string>>;

export function labelsText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(', ');
}

/** Reads labels, or says what is wrong with how they are written. The controller judges names and values. */
export function readLabels(text: string): { readonly labels: Labels } | { readonly problem: string } {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const labels = new Map<string, string>();
  for (const part of parts) {
    const [, name, value] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      return { problem: `“${part}” is no label. Write a name and a value, for example role=branch.` };
    if (labels.has(name.trim())) return { problem: `The label “${name.trim()}” is there twice. Give it one value.` };
    labels.set(name.trim(), value.trim());
  }
  return { labels: Object.fromEntries(labels) };
}
