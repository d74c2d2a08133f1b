/** What an edge without a bundle does, for people. Pure. */
export function closedLine(networks: number): string {
  if (networks === 0) return 'waiting for the first policy; nothing is closed, for no network of another site is known';
  return `closed: waiting for the first policy (${networks} ${networks === 1 ? 'network' : 'networks'})`;
}
