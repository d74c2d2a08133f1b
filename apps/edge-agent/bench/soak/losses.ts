import type { EdgeHarness } from '../../test/support/edge-harness.js';
import type { Namespaces } from '../../test/support/namespaces.js';

/** Every counter of this run that says that a packet was lost, by place and reason; only what happened. */
export async function countedLosses(
  namespaces: Namespaces,
  edges: readonly { readonly name: string; readonly namespace: string; readonly edge: EdgeHarness }[],
  router: string,
): Promise<Record<string, number>> {
  const losses: Record<string, number> = {};
  const add = (place: string, packets: number) => {
    if (packets > 0) losses[place] = (losses[place] ?? 0) + packets;
  };
  for (const { name, namespace, edge } of edges) {
    for (const { reason, packets } of (await edge.snapshot()).drops) {
      if (!HARMLESS.has(reason)) add(`${name}: ${reason}`, Number(packets));
    }
    add(`${name}: receive buffer`, receiveBufferErrors(namespaces.run(namespace, 'cat', ['/proc/net/snmp'])));
  }
  for (const [name, namespace] of [
    ...edges.map(({ name, namespace }) => [name, namespace] as const),
    ['router', router] as const,
  ]) {
    for (const link of JSON.parse(namespaces.run(namespace, 'ip', ['-s', '-j', 'link', 'show'])) as Link[]) {
      add(`${name}: ${link.ifname} did not take`, link.stats64.rx.dropped);
      add(`${name}: ${link.ifname} did not send`, link.stats64.tx.dropped);
    }
  }
  return losses;
}

/** `RcvbufErrors` of UDP in /proc/net/snmp: a line of names, and one of values. */
function receiveBufferErrors(text: string): number {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('RcvbufErrors')] ?? 0);
}

interface Link {
  readonly ifname: string;
  readonly stats64: { readonly rx: { readonly dropped: number }; readonly tx: { readonly dropped: number } };
}

/** What hosts send of their own accord, to places that no policy is about. */
const HARMLESS: ReadonlySet<string> = new Set(['no_policy']);
