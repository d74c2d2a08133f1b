/** Where the network packet begins in a captured frame, and what it is. */
export interface NetworkLayer {
  readonly etherType: number;
  readonly offset: number;
}

export const ETHER_TYPE_IPV4 = 0x0800;
export const ETHER_TYPE_ARP = 0x0806;
export const ETHER_TYPE_IPV6 = 0x86dd;

/**
 * Strips the link-layer header. tcpdump gives Ethernet on one interface and Linux "cooked" headers on `any`
 * (version 2 from tcpdump 4.99 on). Returns undefined when the frame is shorter than its header.
 * https://www.tcpdump.org/linktypes.html
 */
export function networkLayerOf(frame: Buffer, linkType: number): NetworkLayer | undefined {
  const layout = LAYOUTS.get(linkType);
  if (layout === undefined) throw new Error(`The capture has link type ${linkType}, which this reader does not know.`);
  if (frame.length < layout.headerLength) return undefined;
  return { etherType: frame.readUInt16BE(layout.etherTypeOffset), offset: layout.headerLength };
}

const LAYOUTS: ReadonlyMap<number, { readonly etherTypeOffset: number; readonly headerLength: number }> = new Map([
  [1, { etherTypeOffset: 12, headerLength: 14 }],
  [113, { etherTypeOffset: 14, headerLength: 16 }],
  [276, { etherTypeOffset: 0, headerLength: 20 }],
]);
