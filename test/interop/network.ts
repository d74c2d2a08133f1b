import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Three namespaces inside the private ones of the run:
 *
 *   10.1.0.1 [ us ] 192.0.2.1 ---- .254 [ router ] .254 ---- 198.51.100.2 [ peer ] 10.2.0.1
 */
export const US = { namespace: 'us', underlay: '192.0.2.1', second: '192.0.2.11', host: '10.1.0.1' } as const;
export const PEER = { namespace: 'peer', underlay: '198.51.100.2', second: '198.51.100.12', host: '10.2.0.1' } as const;
export const ROUTER = { namespace: 'router', toUs: '192.0.2.254', toPeer: '198.51.100.254' } as const;
export const US6 = { underlay: '2001:db8:1::1', host: 'fd00:1::1' } as const;
export const PEER6 = { underlay: '2001:db8:2::2', host: 'fd00:2::1' } as const;
/** Where addresses come from that one end assigns to the other. */
export const POOL = { prefix: '10.66.0.0/24', first: '10.66.0.10', last: '10.66.0.20' } as const;
export const DEVICE = 'weft0';

const run = promisify(execFile);

export function buildNetwork(): void {
  for (const name of [US.namespace, ROUTER.namespace, PEER.namespace]) {
    execFileSync('ip', ['netns', 'add', name]);
    ip(name, 'link set lo up');
  }
  connect(US.namespace, 'us', [US.underlay], ROUTER.toUs);
  connect(PEER.namespace, 'peer', [PEER.underlay], ROUTER.toPeer);
  ip(US.namespace, `address add ${US.host}/32 dev lo`);
  for (const address of [PEER.host, '10.2.1.1', '10.3.0.1']) ip(PEER.namespace, `address add ${address}/32 dev lo`);
  addressRouter6();
  connect6(US.namespace, US6, '2001:db8:1::ff');
  connect6(PEER.namespace, PEER6, '2001:db8:2::ff');
  const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
  execFileSync('ip', ['netns', 'exec', ROUTER.namespace, 'sysctl', '-qw', ...forwarding]);
}

/** The overlay, once the edge process has made its device. */
export function routeOverlay(): void {
  ip(US.namespace, `link set ${DEVICE} up mtu 1400`);
  for (const prefix of ['10.2.0.0/16', '10.3.0.0/24', POOL.prefix]) {
    ip(US.namespace, `route add ${prefix} dev ${DEVICE} src ${US.host}`);
  }
  ip(US.namespace, `route add fd00:2::/64 dev ${DEVICE} src ${US6.host}`);
}

/** Runs `ip` in a namespace. Throws with what it said. */
export function ip(namespace: string, command: string): string {
  return execFileSync('ip', ['-n', namespace, ...command.split(' ')], { encoding: 'utf8' });
}

/** Runs a program in a namespace to its end. */
export async function within(namespace: string, program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run('ip', ['netns', 'exec', namespace, program, ...args], { maxBuffer: 16 << 20 });
  return stdout;
}

/** One more end beside those of the picture: a namespace with an address, behind the router. */
export function addEnd(namespace: string, address: string, gateway: string): void {
  execFileSync('ip', ['netns', 'add', namespace]);
  ip(namespace, 'link set lo up');
  connect(namespace, namespace, [address], gateway);
}

function connect(namespace: string, link: string, addresses: readonly string[], gateway: string): void {
  ip(namespace, `link add wan type veth peer name ${link} netns ${ROUTER.namespace}`);
  for (const address of addresses) ip(namespace, `address add ${address}/24 dev wan`);
  ip(ROUTER.namespace, `address add ${gateway}/24 dev ${link}`);
  ip(namespace, 'link set wan up');
  ip(ROUTER.namespace, `link set ${link} up`);
  ip(namespace, `route add default via ${gateway}`);
}

/** IPv6 of the router's links; it is gone once their MTU was below 1280 octets (RFC 8200 section 5). */
export function addressRouter6(): void {
  ip(ROUTER.namespace, 'address add 2001:db8:1::ff/64 dev us nodad');
  ip(ROUTER.namespace, 'address add 2001:db8:2::ff/64 dev peer nodad');
}

function connect6(namespace: string, ends: typeof US6 | typeof PEER6, gateway: string): void {
  ip(namespace, `address add ${ends.underlay}/64 dev wan nodad`);
  ip(namespace, `address add ${ends.host}/128 dev lo nodad`);
  ip(namespace, `route add default via ${gateway}`);
}
