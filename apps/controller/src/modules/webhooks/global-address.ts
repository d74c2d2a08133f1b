import { BlockList, isIP } from 'node:net';

/**
 * Whether an address is one of the whole Internet: by the IANA registries of special-purpose addresses (RFC 6890) that are not globally
 * reachable, and those of IPv6 that stand for an IPv4 address.
 */
export function isGlobalAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !SPECIAL_4.check(address, 'ipv4');
  return version === 6 && UNICAST_6.check(address, 'ipv6') && !SPECIAL_6.check(address, 'ipv6');
}

function listOf(family: 'ipv4' | 'ipv6', prefixes: readonly string[]): BlockList {
  const list = new BlockList();
  for (const prefix of prefixes) {
    const [address = '', length] = prefix.split('/');
    list.addSubnet(address, Number(length), family);
  }
  return list;
}

const SPECIAL_4 = listOf('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);
/** Everything else of IPv6 is none that is assigned to hosts of the Internet. */
const UNICAST_6 = listOf('ipv6', ['2000::/3']);
const SPECIAL_6 = listOf('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);
