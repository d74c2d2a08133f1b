import type { Topology } from '../topology/topology.js';

/** What must never be seen on the underlay outside encryption. */
export interface InnerTraffic {
  /** Inner prefixes, for addresses in headers. */
  readonly prefixes4: readonly { readonly network: number; readonly mask: number }[];
  /** The leading octets of the IPv6 prefixes (the /64). */
  readonly prefixes6: readonly Buffer[];
  /**
   * Searched in whole packets: the IPv6 prefixes, and two IPv4 host addresses side by side as an IPv4 header carries them.
   * Eight octets do not occur by chance in a few hundred MiB of ciphertext; a single IPv4 address would.
   */
  readonly needles: readonly Buffer[];
  readonly marker: Buffer;
}

/** The marker repeated in every file and probe that the lab sends through the fabric. */
export const PLAINTEXT_MARKER = 'weft-lab plaintext: must be seen nowhere on the underlay';

/** Derives from the topology what the capture looks for. */
export function innerTrafficOf(topology: Topology): InnerTraffic {
  const networks = topology.sites.flatMap((site) => site.networks);
  const hosts4 = networks.filter((lan) => lan.family === 4).map((lan) => octetsOf4(lan.hostAddress));
  const prefixes6 = networks.filter((lan) => lan.family === 6).map((lan) => prefix64(lan.prefix));
  const pairs4 = hosts4.flatMap((source) =>
    hosts4.filter((other) => other !== source).map((destination) => Buffer.concat([source, destination])),
  );
  return {
    prefixes4: networks.filter((lan) => lan.family === 4).map((lan) => prefix4(lan.edgeAddress, lan.prefixLength)),
    prefixes6,
    needles: [...prefixes6, ...pairs4],
    marker: Buffer.from(PLAINTEXT_MARKER, 'latin1'),
  };
}

function octetsOf4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function prefix4(address: string, length: number): { network: number; mask: number } {
  const mask = (0xffffffff << (32 - length)) >>> 0;
  return { network: (octetsOf4(address).readUInt32BE(0) & mask) >>> 0, mask };
}

/** The first eight octets of a prefix written with its first four groups in full and `::/64` behind them. */
function prefix64(prefix: string): Buffer {
  const groups = prefix.replace(/::\/64$/, '').split(':');
  if (groups.length !== 4)
    throw new Error(`The lab's IPv6 prefixes are written as four groups and ::/64, not ${prefix}.`);
  const octets = Buffer.alloc(8);
  groups.forEach((group, index) => {
    octets.writeUInt16BE(Number.parseInt(group, 16), 2 * index);
  });
  return octets;
}
