import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { typescript } from './edge-harness.js';
import type { Namespaces } from './namespaces.js';

/** One end of a transfer: a namespace, and the address there. */
export interface TransferEnd {
  readonly namespace: string;
  readonly address: string;
  /** What the other end knows the address by, when that is another one. */
  readonly knownAs?: string;
}

/** What a transfer carried, as either end saw it. */
export interface Carried {
  readonly sha256: string;
  readonly octets: number;
}

/** So many octets of TCP from a server to a client. Ends when the client has seen the end of them. */
export async function transferBetween(
  namespaces: Namespaces,
  server: TransferEnd,
  client: TransferEnd,
  { port, octets }: { readonly port: number; readonly octets: number },
): Promise<{ readonly sent: Carried; readonly received: Carried; readonly milliseconds: number }> {
  const serve = [...typescript('./transfer.ts'), 'serve', server.address, String(port), String(octets)];
  const serving = namespaces.start(server.namespace, process.execPath, serve);
  const lines = createInterface({ input: serving.stdout })[Symbol.asyncIterator]();
  const { value: first } = await lines.next();
  if (first !== 'ready') throw new Error(`the server of a transfer said ${first}`);
  const fetch = [
    ...typescript('./transfer.ts'),
    'fetch',
    client.address,
    server.knownAs ?? server.address,
    String(port),
  ];
  const said = await text(namespaces.start(client.namespace, process.execPath, fetch).stdout);
  const { milliseconds, ...received } = JSON.parse(said) as Carried & { readonly milliseconds: number };
  const { sha256 } = JSON.parse((await lines.next()).value as string) as Pick<Carried, 'sha256'>;
  return { sent: { sha256, octets }, received, milliseconds };
}
