import type { RemoteAccess } from '@weft/contracts/southbound';
import type { WireSelector } from '@weft/ipsec-core/ike';
import { RejectionError } from '../rejection.js';
import { limited } from './field.js';
import type { HostAssignment } from './verified-bundle.js';

/**
 * What a host is assigned, which is all that its Child SA may carry of it: `remote` are the addresses behind the peer, at
 * `remotePath`. Throws RejectionError.
 */
export function parseRemoteAccess(
  path: string,
  { addresses, nameServers, domains }: RemoteAccess,
  remotePath: string,
  remote: readonly WireSelector[],
): HostAssignment {
  const assigned = parseAssigned(`${path}.addresses`, addresses);
  if (!isExactly(remote, assigned)) {
    throw new RejectionError(remotePath, 'unexpected_value', 'of a host they are the addresses that it is assigned');
  }
  const servers = limited(`${path}.name_servers`, nameServers, MAX_NAME_SERVERS);
  if (domains.length > 0 && servers.length === 0) {
    throw new RejectionError(`${path}.domains`, 'unexpected_value', 'there is no name server to ask about them');
  }
  return {
    addresses: assigned,
    nameServers: servers.map((octets, index) => parseAddress(`${path}.name_servers[${index}]`, octets)),
    domains: limited(`${path}.domains`, domains, MAX_DOMAINS).map((text, index) => {
      if (text.length <= MAX_DOMAIN && DOMAIN.test(text)) return text;
      throw new RejectionError(`${path}.domains[${index}]`, 'bad_identifier', 'it is no domain name');
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

/** Ranges are disjoint, and addresses differ: as many of one as of the other, and each is one of them. */
function isExactly(ranges: readonly WireSelector[], addresses: readonly Uint8Array[]): boolean {
  return (
    ranges.length === addresses.length &&
    ranges.every(
      (range) =>
        range.type === 'range' &&
        Buffer.compare(range.first, range.last) === 0 &&
        addresses.some((address) => Buffer.compare(address, range.first) === 0),
    )
  );
}

const FAMILIES = 2;
const MAX_NAME_SERVERS = 8;
const MAX_DOMAINS = 16;
const MAX_DOMAIN = 253;
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
/** Letters, digits and hyphens (RFC 1123 section 2.1), and underscores, which service names have. */
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
