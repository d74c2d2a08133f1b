import type { NetworkMapping as NetworkMappingMessage } from '@weft/contracts/southbound';
import { type AddressRange, parsePrefix } from '@weft/ipsec-core';
import { RejectionError } from '../rejection.js';
import { limited, overlayPrefix } from './field.js';
import type { MappedNetwork, OverlayPrefix } from './verified-bundle.js';

/**
 * Checks the mappings of a bundle. An address must mean one thing at an edge, whichever side it comes from: what the site knows a
 * mapped network by is nothing that the fabric knows. Throws RejectionError.
 */
export function parseNetworkMappings(
  messages: readonly NetworkMappingMessage[],
  localNetworks: readonly OverlayPrefix[],
  routes: readonly OverlayPrefix[],
): readonly MappedNetwork[] {
  const unmapped = new Map(localNetworks.map((network) => [network.text, network]));
  const taken = [...localNetworks, ...routes];
  return limited('network_mappings', messages, MAX_MAPPINGS).map((message, index) => {
    const path = `network_mappings[${index}]`;
    const local = overlayPrefix(`${path}.local`, message.local);
    const overlay = unmapped.get(overlayPrefix(`${path}.overlay`, message.overlay).text);
    if (overlay === undefined) {
      throw new RejectionError(
        `${path}.overlay`,
        'unexpected_value',
        `${message.overlay} is none of the local networks, or is mapped twice`,
      );
    }
    unmapped.delete(overlay.text);
    if (local.family !== overlay.family || parsePrefix(local.text).length !== parsePrefix(overlay.text).length) {
      throw new RejectionError(
        `${path}.local`,
        'bad_prefix',
        `${local.text} has not as many addresses as ${overlay.text}`,
      );
    }
    const other = taken.find(({ family, range }) => family === local.family && overlaps(range, local.range));
    if (other !== undefined) {
      throw new RejectionError(
        `${path}.local`,
        'unexpected_value',
        `${local.text} and ${other.text} overlap: an address would mean two things`,
      );
    }
    taken.push(local);
    return { local, overlay };
  });
}

/** The networks behind an edge as the machines there know them. */
export function siteNetworks(
  localNetworks: readonly OverlayPrefix[],
  mappings: readonly MappedNetwork[],
): readonly OverlayPrefix[] {
  const locals = new Map(mappings.map(({ local, overlay }) => [overlay.text, local]));
  return localNetworks.map((network) => locals.get(network.text) ?? network);
}

function overlaps(one: AddressRange, other: AddressRange): boolean {
  return Buffer.compare(one.first, other.last) <= 0 && Buffer.compare(other.first, one.last) <= 0;
}

/** Each is held against all routes once. */
const MAX_MAPPINGS = 256;
