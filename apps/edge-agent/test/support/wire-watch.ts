import { createInterface } from 'node:readline';
import { typescript } from './edge-harness.js';
import type { NamespacedProcess, Namespaces } from './namespaces.js';

/** Counts packets that arrive in a namespace. */
export class WireWatch {
  readonly #child: NamespacedProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: NamespacedProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(namespaces: Namespaces, namespace: string): Promise<WireWatch> {
    const child = namespaces.start(namespace, process.execPath, typescript('./wire-counter.ts'));
    const watch = new WireWatch(child);
    await watch.#lines.next();
    return watch;
  }

  /** What has come since the last call: packets by `version/protocol/ecn`, and by `version/protocol`; the protocol of IKE is `ike`. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    this.#child.stdin.write('\n');
    const { value } = await this.#lines.next();
    const counts = JSON.parse(value as string) as Record<string, number>;
    for (const [key, packets] of Object.entries(counts)) {
      const both = key.slice(0, key.lastIndexOf('/'));
      counts[both] = (counts[both] ?? 0) + packets;
    }
    return counts;
  }
}

/** Of such counts those by version and protocol, without IKE, and without ICMPv6 of the links. */
export function withoutIke(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).filter(([key]) => {
      const [, protocol, ecn] = key.split('/');
      return ecn === undefined && protocol !== 'ike' && key !== '6/58';
    }),
  );
}
