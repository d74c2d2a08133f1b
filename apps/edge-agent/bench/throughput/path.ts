import type { Namespaces } from '../../test/support/namespaces.js';

/** One way from a sender to a receiver: a pair of namespaces, and what carries packets between them. */
export interface Path {
  readonly name: string;
  /** Where the load comes from and goes to. */
  readonly sender: string;
  readonly receiver: string;
  readonly addresses: { readonly ipv4: Addresses; readonly ipv6: Addresses };
  /** Processes that are the tunnel; none for the plain path. */
  readonly processes: readonly number[];
  close(): Promise<void>;
}

/** What load is sent between. */
export interface Addresses {
  readonly sender: string;
  readonly receiver: string;
}

/** A path that can be set up, or why it cannot be here. */
export interface PathOffer {
  readonly name: string;
  readonly unavailable: string | undefined;
  start(namespaces: Namespaces): Promise<Path>;
}

/** Two namespaces, a veth pair between them, and addresses on it. */
export interface Underlay {
  readonly sender: string;
  readonly receiver: string;
  readonly ipv4: Addresses;
  readonly ipv6: Addresses;
}

export const UNDERLAY_ADDRESSES = {
  ipv4: { sender: '192.0.2.1', receiver: '192.0.2.2' },
  ipv6: { sender: '2001:db8:ffff::1', receiver: '2001:db8:ffff::2' },
} as const;

/** What tunnels protect: one host on each side, its addresses on the loopback or on the tunnel's device. */
export const OVERLAY_ADDRESSES = {
  ipv4: { sender: '10.1.0.1', receiver: '10.2.0.1' },
  ipv6: { sender: '2001:db8:1::1', receiver: '2001:db8:2::1' },
} as const;

export function createUnderlay(namespaces: Namespaces, name: string): Underlay {
  const sender = namespaces.add(`${name}-s`);
  const receiver = namespaces.add(`${name}-r`);
  namespaces.connect(sender, 'wan', receiver, 'wan');
  for (const [namespace, side] of [
    [sender, 'sender'],
    [receiver, 'receiver'],
  ] as const) {
    namespaces.ip(namespace, `address add ${UNDERLAY_ADDRESSES.ipv4[side]}/24 dev wan`);
    namespaces.ip(namespace, `address add ${UNDERLAY_ADDRESSES.ipv6[side]}/64 dev wan nodad`);
  }
  return { sender, receiver, ...UNDERLAY_ADDRESSES };
}
