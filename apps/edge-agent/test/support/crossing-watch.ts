import { createInterface } from 'node:readline';
import { typescript } from './edge-harness.js';
import type { Namespaces } from './namespaces.js';

/** Packets that arrived somewhere on the underlay. */
export interface Crossed {
  /** With overlay addresses, in the clear. */
  readonly clear: number;
  /** ESP in UDP. */
  readonly esp: number;
  /** What the watch has missed. */
  readonly lost: number;
  /** Since the start: associations that ESP came of, and the packets that had an IV of another. */
  readonly associations: number;
  readonly repeated: readonly string[];
}

/**
 * Counts what arrives in a namespace between the edges; what begins there is not counted. `overlay` holds what the text of
 * overlay addresses has in common. @returns what has crossed since the last call.
 * @param neighbour an address that answers the namespace's pings
 */
export async function watchCrossings(
  namespaces: Namespaces,
  namespace: string,
  neighbour: string,
  overlay: readonly string[],
): Promise<() => Promise<Crossed>> {
  const program = [...typescript('./capture-process.ts'), neighbour, ...overlay];
  const child = namespaces.start(namespace, process.execPath, program);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  let last: Crossed = { clear: 0, esp: 0, lost: 0, associations: 0, repeated: [] };
  return async () => {
    // What has crossed is in the ring once a ping of the namespace's own has.
    namespaces.run(namespace, 'ping', ['-c', '1', '-W', '1', neighbour]);
    child.stdin.write('report\n');
    const before = last;
    last = JSON.parse((await lines.next()).value as string) as Crossed;
    const { clear, esp, lost } = last;
    return { ...last, clear: clear - before.clear, esp: esp - before.esp, lost: lost - before.lost };
  };
}
