import type { AddressRange, SecurityPolicy } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import type { PlacedTunnel, TunnelConfiguration, UnderlayAddress } from './verified-bundle.js';

/**
 * Transport mode is for edges that negotiate: they alone notice a NAT, through which it is not used (RFC 7296 section 2.23.1). The
 * addresses of its packets are those of the underlay, and so must be known. Throws RejectionError.
 */
export function checkTransport(
  path: string,
  { profile, keying, external, remote }: Pick<PlacedTunnel, 'profile' | 'keying' | 'external' | 'remote'>,
  local: UnderlayAddress,
): void {
  if (profile.mode !== 'transport') return;
  const at = `${path}.profile.mode`;
  if (keying.mode !== 'ikev2') {
    throw new RejectionError(at, 'unsupported_value', 'only edges that negotiate use transport mode');
  }
  if (external !== undefined) {
    throw new RejectionError(at, 'unsupported_value', 'only between edges transport mode is used');
  }
  if (local.octets.length === remote.octets.length && local.octets.some((octet) => octet !== 0)) return;
  throw new RejectionError(
    at,
    'bad_address',
    `transport mode needs an underlay address of this edge that ${remote.text} can be reached from, not ${local.text}`,
  );
}

/** What goes in transport mode is between the two underlay addresses: there is no other header that could say where to. */
export function checkTransportEntry(
  path: string,
  { selectors }: Pick<SecurityPolicy, 'selectors'>,
  tunnel: TunnelConfiguration | undefined,
  local: UnderlayAddress,
): void {
  if (tunnel?.remote === undefined || tunnel.profile.mode !== 'transport') return;
  for (const { localAddresses, remoteAddresses } of selectors) {
    for (const [field, ranges, only] of [
      ['local_addresses', localAddresses, local],
      ['remote_addresses', remoteAddresses, tunnel.remote],
    ] as const) {
      if (ranges.length > 0 && ranges.every((range) => isOnly(range, only))) continue;
      throw new RejectionError(
        `${path}.${field}`,
        'unsupported_value',
        `in transport mode go packets between ${local.text} and ${tunnel.remote.text}, and no others`,
      );
    }
  }
}

function isOnly({ first, last }: AddressRange, { octets }: UnderlayAddress): boolean {
  return Buffer.compare(first, octets) === 0 && Buffer.compare(last, octets) === 0;
}
