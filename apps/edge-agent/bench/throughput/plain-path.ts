import { createUnderlay, type PathOffer } from './path.js';

/** TCP and UDP straight over the veth pair: what the machine can do without a tunnel. */
export const plainPath: PathOffer = {
  name: 'plain',
  unavailable: undefined,
  start: async (namespaces) => {
    const { sender, receiver, ipv4, ipv6 } = createUnderlay(namespaces, 'plain');
    return { name: 'plain', sender, receiver, addresses: { ipv4, ipv6 }, processes: [], close: async () => undefined };
  },
};
