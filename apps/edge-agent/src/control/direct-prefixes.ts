import { parsePrefix } from '@weft/ipsec-core';
import type { OverlayPrefix } from './bundle/verified-bundle.js';

/**
 * Prefixes that lie within one that is routed into the overlay and are still not for it: networks behind this edge, and
 * those that its machine is on (`connected`, canonical text). As everywhere in routing the more precise wins: one that is
 * routed itself, or lies in no route, is not among them, and a route for a part of one is not affected.
 */
export function directPrefixes(
  routes: readonly OverlayPrefix[],
  localNetworks: readonly OverlayPrefix[],
  connected: ReadonlySet<string>,
): ReadonlySet<string> {
  const routed = routes.map(({ text }) => parsePrefix(text));
  const near = new Set([...localNetworks.map(({ text }) => text), ...connected]);
  return new Set(
    [...near].filter((text) => {
      const { address, length } = parsePrefix(text);
      const around = routed.filter(
        (route) => route.address.length === address.length && route.length <= length && contains(route, address),
      );
      // The most precise of those around it says where it goes; if that is the prefix itself, into the overlay.
      return around.length > 0 && around.every((route) => route.length < length);
    }),
  );
}

function contains({ range }: ReturnType<typeof parsePrefix>, address: Uint8Array): boolean {
  return Buffer.compare(range.first, address) <= 0 && Buffer.compare(address, range.last) <= 0;
}
