let made = 0;

/** An identity for a line of a form, unique in this page. `crypto.randomUUID` is absent on plain http. */
export function nextKey(): string {
  made += 1;
  return `line ${made}`;
}
