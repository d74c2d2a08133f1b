import { LAN_INTERFACE, type RouterLink, type Topology, UPLINK_INTERFACE } from './topology.js';

/** What has to be done in one network namespace: sysctls before its links exist, `ip -batch` lines after. */
export interface NamespacePlan {
  readonly namespace: string;
  readonly sysctls: readonly (readonly [path: string, value: string])[];
  readonly batch: readonly string[];
}

export interface NetworkPlan {
  /** `ip -batch` lines that create the pairs, run where the namespaces have names. */
  readonly links: readonly string[];
  readonly namespaces: readonly NamespacePlan[];
}

/** Translates the topology into ip(8) lines. Pure: running them is the sandbox's job. */
export function planNetwork(topology: Topology): NetworkPlan {
  const links = [{ namespace: topology.controllerNamespace, uplink: topology.controllerUplink }].concat(
    topology.sites.map((site) => ({ namespace: site.edgeNamespace, uplink: site.uplink })),
  );
  return {
    links: [
      ...links.map(({ namespace, uplink }) =>
        veth(topology.routerNamespace, uplink.routerInterface, namespace, UPLINK_INTERFACE),
      ),
      ...topology.sites.map((site) => veth(site.edgeNamespace, LAN_INTERFACE, site.hostNamespace, LAN_INTERFACE)),
    ],
    namespaces: [
      {
        namespace: topology.routerNamespace,
        sysctls: FORWARDING,
        batch: [
          LOOPBACK,
          ...links.flatMap(({ uplink }) => [
            address(uplink.routerAddress, uplink.prefixLength, uplink.routerInterface),
            address(uplink.routerAddress6, uplink.prefixLength6, uplink.routerInterface),
            up(uplink.routerInterface),
          ]),
        ],
      },
      {
        namespace: topology.controllerNamespace,
        sysctls: HOST,
        batch: [LOOPBACK, ...uplinkLines(topology.controllerUplink)],
      },
      ...topology.sites.flatMap((site) => [
        {
          namespace: site.edgeNamespace,
          sysctls: FORWARDING,
          batch: [
            LOOPBACK,
            ...site.networks.map((lan) => address(lan.edgeAddress, lan.prefixLength, LAN_INTERFACE)),
            up(LAN_INTERFACE),
            ...uplinkLines(site.uplink),
          ],
        },
        {
          namespace: site.hostNamespace,
          sysctls: HOST,
          batch: [
            LOOPBACK,
            ...site.networks.map((lan) => address(lan.hostAddress, lan.prefixLength, LAN_INTERFACE)),
            up(LAN_INTERFACE),
            ...site.networks.map((lan) => defaultRoute(lan.edgeAddress)),
          ],
        },
      ]),
    ],
  };
}

const LOOPBACK = 'link set dev lo up';

/** A namespace inherits IPv4 settings of the machine it is made on, so what matters is said, not assumed. */
const COMMON: NamespacePlan['sysctls'] = [
  ['net/ipv4/conf/all/rp_filter', '0'],
  ['net/ipv4/conf/default/rp_filter', '0'],
  ['net/ipv6/conf/all/disable_ipv6', '0'],
  ['net/ipv6/conf/default/disable_ipv6', '0'],
  ['net/ipv6/conf/default/accept_dad', '0'],
  ['net/ipv6/conf/default/accept_ra', '0'],
];

/** ip_forward comes first: writing it resets the other IPv4 settings of the namespace. */
const HOST: NamespacePlan['sysctls'] = [['net/ipv4/ip_forward', '0'], ...COMMON];

const FORWARDING: NamespacePlan['sysctls'] = [
  ['net/ipv4/ip_forward', '1'],
  ['net/ipv6/conf/all/forwarding', '1'],
  ['net/ipv6/conf/default/forwarding', '1'],
  ...COMMON,
];

function uplinkLines(uplink: RouterLink): readonly string[] {
  return [
    address(uplink.address, uplink.prefixLength, UPLINK_INTERFACE),
    address(uplink.address6, uplink.prefixLength6, UPLINK_INTERFACE),
    up(UPLINK_INTERFACE),
    defaultRoute(uplink.routerAddress),
    defaultRoute(uplink.routerAddress6),
  ];
}

function veth(namespace: string, name: string, peerNamespace: string, peerName: string): string {
  return `link add name ${name} netns ${namespace} type veth peer name ${peerName} netns ${peerNamespace}`;
}

/** `nodad`: duplicate address detection would keep an IPv6 address unusable for a second, on a link with two ends. */
function address(value: string, prefixLength: number, device: string): string {
  return `address add ${value}/${prefixLength} dev ${device}${value.includes(':') ? ' nodad' : ''}`;
}

function up(device: string): string {
  return `link set dev ${device} up`;
}

function defaultRoute(via: string): string {
  return `route add ${via.includes(':') ? '::/0' : '0.0.0.0/0'} via ${via}`;
}
