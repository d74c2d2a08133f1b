/** The lab's network as data: what is created, addressed, enrolled and checked is read from here and nowhere else. */

export type Family = 4 | 6;

/** One network behind a site, with the address of the edge and of the one host in it. */
export interface LanNetwork {
  readonly family: Family;
  readonly name: string;
  readonly prefix: string;
  readonly prefixLength: number;
  readonly edgeAddress: string;
  readonly hostAddress: string;
}

/** A point-to-point link between the router and a namespace. */
export interface RouterLink {
  readonly routerInterface: string;
  readonly prefixLength: number;
  readonly routerAddress: string;
  readonly address: string;
  readonly prefixLength6: number;
  readonly routerAddress6: string;
  readonly address6: string;
}

export interface SiteTopology {
  readonly name: string;
  readonly edgeNamespace: string;
  readonly hostNamespace: string;
  readonly uplink: RouterLink;
  readonly networks: readonly LanNetwork[];
}

export interface Topology {
  readonly routerNamespace: string;
  readonly controllerNamespace: string;
  readonly controllerUplink: RouterLink;
  readonly sites: readonly SiteTopology[];
}

/** One direction of traffic between two hosts in one family. */
export interface Flow {
  readonly from: SiteTopology;
  readonly to: SiteTopology;
  readonly family: Family;
  readonly sourceAddress: string;
  readonly destinationAddress: string;
}

/** The interface towards the router in every namespace that has one, and towards the LAN in edges and hosts. */
export const UPLINK_INTERFACE = 'wan0';
export const LAN_INTERFACE = 'lan0';

/**
 * Three sites around a router. The underlay uses prefixes that no real network has (RFC 5737, RFC 3849; RFC 5737 has three
 * only, so the fourth is RFC 2544's), the overlay private ones (RFC 1918, RFC 4193). tokyo is IPv6 inside; berlin and paris have both.
 */
export const LAB_TOPOLOGY: Topology = {
  routerNamespace: 'internet',
  controllerNamespace: 'controller',
  controllerUplink: link('controller', '192.0.2', 24, 0),
  sites: [
    site('berlin', link('berlin', '198.51.100', 24, 1), [ipv4Lan(1), ipv6Lan(1)]),
    site('paris', link('paris', '203.0.113', 24, 2), [ipv4Lan(2), ipv6Lan(2)]),
    site('tokyo', link('tokyo', '198.18.0', 24, 3), [ipv6Lan(3)]),
  ],
};

/** Every ordered pair of sites, once per family that both of them have inside. */
export function flowsOf(topology: Topology): readonly Flow[] {
  return topology.sites.flatMap((from) =>
    topology.sites
      .filter((to) => to !== from)
      .flatMap((to) =>
        from.networks.flatMap((source) =>
          to.networks
            .filter((destination) => destination.family === source.family)
            .map((destination) => ({
              from,
              to,
              family: source.family,
              sourceAddress: source.hostAddress,
              destinationAddress: destination.hostAddress,
            })),
        ),
      ),
  );
}

/**
 * One flow per ordered pair of sites: what is large is sent once in every direction. Where two sites have both families, one
 * direction uses IPv4 and the other IPv6.
 */
export function directionsOf(topology: Topology): readonly Flow[] {
  return topology.sites.flatMap((from, index) =>
    topology.sites
      .filter((to) => to !== from)
      .flatMap((to) => {
        const flows = flowsOf(topology).filter((flow) => flow.from === from && flow.to === to);
        const preferred = index < topology.sites.indexOf(to) ? 4 : 6;
        return flows.find((flow) => flow.family === preferred) ?? flows[0] ?? [];
      }),
  );
}

/** The site with this name; throws when the topology has none. */
export function siteNamed(topology: Topology, name: string): SiteTopology {
  const found = topology.sites.find((candidate) => candidate.name === name);
  if (found === undefined) {
    throw new Error(`No site "${name}" in the lab; it has ${topology.sites.map((each) => each.name).join(', ')}.`);
  }
  return found;
}

function site(name: string, uplink: RouterLink, networks: readonly LanNetwork[]): SiteTopology {
  return { name, edgeNamespace: `${name}-edge`, hostNamespace: `${name}-host`, uplink, networks };
}

function link(name: string, network: string, prefixLength: number, index: number): RouterLink {
  return {
    routerInterface: name,
    prefixLength,
    routerAddress: `${network}.1`,
    address: `${network}.2`,
    prefixLength6: 64,
    routerAddress6: `2001:db8:${index}::1`,
    address6: `2001:db8:${index}::2`,
  };
}

function ipv4Lan(index: number): LanNetwork {
  const network = `10.${index}.0`;
  return {
    family: 4,
    name: 'lan-ipv4',
    prefix: `${network}.0/24`,
    prefixLength: 24,
    edgeAddress: `${network}.1`,
    hostAddress: `${network}.10`,
  };
}

function ipv6Lan(index: number): LanNetwork {
  const network = `fd5e:8a10:3c71:${index}`;
  return {
    family: 6,
    name: 'lan-ipv6',
    prefix: `${network}::/64`,
    prefixLength: 64,
    edgeAddress: `${network}::1`,
    hostAddress: `${network}::10`,
  };
}
