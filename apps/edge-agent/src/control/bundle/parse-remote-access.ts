import type { RemoteAccess } from '@weft/contracts/southbound';
import type { WireSelector } from '@weft/ipsec-core/ike';
import { RejectionError } from '../rejection.js';
import { limited } from './field.js';
import type { HostAssignment } from './verified-bundle.js';

/**
 * What a host is assigned, at `remote_access` of the peer at `path`. That is all that its Child SA may carry of it: the addresses behind
 * it are these, but for one of a family in which it has nobody here to talk with, which may be left out. Throws RejectionError.
 */
export function parseRemoteAccess(
  path: string,
  { addresses, nameServers, domains }: RemoteAccess,
  { local, remote }: Ends,
): HostAssignment {
  const access = `${path}.remote_access`;
  const assigned = parseAssigned(`${access}.addresses`, addresses);
  const needed = assigned.filter((address) => local.some((range) => isOfFamily(range, address)));
  if (!areAmong(remote, assigned) || !needed.every((address) => remote.some((range) => isOnly(range, address)))) {
    throw new RejectionError(
      `${path}.remote_addresses`,
      'unexpected_value',
      'of a host they are the addresses that it is assigned',
    );
  }
  const servers = limited(`${access}.name_servers`, nameServers, MAX_NAME_SERVERS);
  if (domains.length > 0 && servers.length === 0) {
    throw new RejectionError(`${access}.domains`, 'unexpected_value', 'there is no name server to ask about them');
  }
  return {
    addresses: assigned,
    nameServers: servers.map((octets, index) => parseAddress(`${access}.name_servers[${index}]`, octets)),
    domains: limited(`${access}.domains`, domains, MAX_DOMAINS).map((text, index) => {
      if (text.length <= MAX_DOMAIN && DOMAIN.test(text)) return text;
      throw new RejectionError(`${access}.domains[${index}]`, 'bad_identifier', 'it is no domain name');
    }),
  };
}

function parseAssigned(path: string, addresses: readonly Uint8Array[]): readonly Uint8Array[] {
  if (addresses.length === 0) throw new RejectionError(path, 'missing_field', 'there is no address');
  const families = new Set<number>();
  return limited(path, addresses, FAMILIES).map((octets, index) => {
    const at = `${path}[${index}]`;
    const address = parseAddress(at, octets);
    if (families.has(address.length)) {
      throw new RejectionError(at, 'duplicate', 'a host is assigned one address of a family');
    }
    families.add(address.length);
    return address;
  });
}

function parseAddress(path: string, octets: Uint8Array): Uint8Array {
  if (octets.length !== 4 && octets.length !== 16) {
    throw new RejectionError(path, 'bad_address', 'it has neither 4 octets nor 16');
  }
  const [first = 0] = octets;
  const multicast = octets.length === 4 ? first >= 224 : first === 255;
  if (multicast || octets.every((octet) => octet === 0)) {
    throw new RejectionError(path, 'bad_address', 'it does not name a machine');
  }
  return Uint8Array.from(octets);
}

/** What the Child SA may carry of either end. */
type Ends = Readonly<Record<'local' | 'remote', readonly WireSelector[]>>;

function areAmong(ranges: readonly WireSelector[], addresses: readonly Uint8Array[]): boolean {
  return ranges.every((range) => addresses.some((address) => isOnly(range, address)));
}

function isOnly(range: WireSelector, address: Uint8Array): boolean {
  return range.type === 'range' && [range.first, range.last].every((end) => Buffer.compare(end, address) === 0);
}

function isOfFamily(range: WireSelector, address: Uint8Array): boolean {
  return range.type === 'range' && range.first.length === address.length;
}

const FAMILIES = 2;
const MAX_NAME_SERVERS = 8;
const MAX_DOMAINS = 16;
const MAX_DOMAIN = 253;
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
/** Letters, digits and hyphens (RFC 1123 section 2.1), and underscores, which service names have. */
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
