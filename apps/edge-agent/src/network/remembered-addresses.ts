import { z } from 'zod';
import type { StateDirectory } from '../platform/state-directory.js';
import { type HostAddress, type Resolve, resolveHost } from './marked-connection.js';

/** What `rememberAddresses` works with. */
export interface RememberedAddressesParts {
  readonly state: Pick<StateDirectory, 'read' | 'write'>;
  /** They cannot be read or kept. */
  readonly onTrouble: (error: unknown) => void;
  readonly resolve?: Resolve;
  /** Milliseconds that the resolver gets. */
  readonly patience?: number;
}

/**
 * Resolves the name of the controller, and remembers what came of it for when it cannot be resolved. The questions of the
 * machine's resolver are not ours to mark: with an overlay that has a route for everything they go into it, and until a
 * tunnel is up nobody answers them; so an edge that starts again goes where the controller was last.
 */
export function rememberAddresses({
  state,
  onTrouble,
  resolve = resolveHost,
  patience = RESOLVER_PATIENCE_MILLISECONDS,
}: RememberedAddressesParts): Resolve {
  return async (host) => {
    const known = await recall(state, host).catch((error: unknown) => {
      onTrouble(error);
      return [];
    });
    try {
      const found = await within(patience, resolve(host), host);
      if (!same(found, known)) await keep(state, host, found).catch(onTrouble);
      return found;
    } catch (error) {
      if (known.length === 0) throw error;
      return known;
    }
  };
}

async function recall(state: RememberedAddressesParts['state'], host: string): Promise<readonly HostAddress[]> {
  const octets = await state.read(FILE);
  if (octets === undefined) return [];
  const remembered = Remembered.parse(JSON.parse(octets.toString('utf8')));
  return remembered.host === host ? remembered.addresses : [];
}

async function keep(
  state: RememberedAddressesParts['state'],
  host: string,
  addresses: readonly HostAddress[],
): Promise<void> {
  const remembered = { host, addresses: addresses.slice(0, MAXIMUM_ADDRESSES) };
  await state.write(FILE, Buffer.from(`${JSON.stringify(remembered)}\n`));
}

function same(left: readonly HostAddress[], right: readonly HostAddress[]): boolean {
  return JSON.stringify(left.slice(0, MAXIMUM_ADDRESSES)) === JSON.stringify(right);
}

async function within<T>(milliseconds: number, work: Promise<T>, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the resolver does not answer for ${host}`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** In the state directory. */
const FILE = 'controller-addresses.json';
const RESOLVER_PATIENCE_MILLISECONDS = 5000;
const MAXIMUM_ADDRESSES = 16;
const Remembered = z.strictObject({
  host: z.string(),
  addresses: z
    .array(z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), family: z.union([z.literal(4), z.literal(6)]) }))
    .max(MAXIMUM_ADDRESSES),
});
