import type { ExplainedHop, Explanation, SpdEntry } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

export const VERDICTS: Readonly<Record<Explanation['verdict'], { readonly label: string; readonly tone: Tone }>> = {
  protected: { label: 'Protected', tone: 'up' },
  discarded: { label: 'Discarded', tone: 'down' },
  unreachable: { label: 'Unreachable', tone: 'warning' },
  not_in_fabric: { label: 'Not in the fabric', tone: 'idle' },
};

/** A site, and what it knows the address by itself when that is not what the fabric does. */
export function placeText(place: Explanation['source']): string {
  if (place === null) return 'none';
  return place.siteAddress === undefined ? place.name : `${place.name} (there ${place.siteAddress})`;
}

/** Addresses of an SPD entry; all networks of the edge when it names none. */
export function addressesText(addresses: SpdEntry['local']): string {
  if (addresses === null) return 'every network of the edge';
  const { ranges, more } = addresses;
  return `${ranges.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What surrounds packets on the underlay, and whether somebody there can read them. */
export function protectionText({ esp, mode }: ExplainedHop['association']): string {
  if (mode === 'transport') return `from host to host (transport mode), ${protocolText(esp)}`;
  return protocolText(esp);
}

function protocolText(esp: ExplainedHop['association']['esp']): string {
  if (esp === null) return 'AH: authenticated, NOT ENCRYPTED, everybody on the underlay can read it';
  return `ESP ${esp.encapsulation === 'udp' ? 'in UDP' : 'by itself'}: encrypted and authenticated`;
}

/** `1400 inner + 20 outer IP + 8 UDP + 8 ESP + 8 IV + 2 trailer + 16 ICV = 1462 of 1500`, by the numbers of the controller. */
export function arithmeticText(
  arithmetic: ExplainedHop['encapsulation'],
  { esp }: Pick<ExplainedHop['association'], 'esp'>,
): string {
  const { innerMtu, outerHeaders, espHeader, iv, trailer, icv, outerLength, underlayMtu, udp } = arithmetic;
  const parts = [
    `${innerMtu} packet`,
    // In transport mode a packet keeps its own header.
    ...(outerHeaders === 0 ? [] : [`${outerHeaders} ${udp ? 'IP and UDP' : 'IP'}`]),
    ...(esp === null ? [`${espHeader} AH`] : [`${espHeader} ESP`, `${iv} IV`, `${trailer} trailer`]),
    `${icv} ICV`,
  ];
  return `${parts.join(' + ')} = ${outerLength} of ${underlayMtu} octets`;
}

/** The cipher of an association as people write it: `AES-GCM-16, 256 bits`. */
export function cipherText({ esp, ah }: ExplainedHop['association']): string {
  const algorithm = esp === null ? `${ah?.integrity}, no encryption` : `${esp.encryption}, ${esp.keyBits} bits`;
  const common = esp ?? ah;
  if (common === null) return algorithm;
  return `${algorithm}, ${common.extendedSequenceNumbers ? '64' : '32'}-bit sequence numbers, replay window ${common.replayWindow}`;
}

/** Where an end of a tunnel is; a remote host is wherever it is. */
export function endpointText(endpoint: { readonly address: string; readonly port: number } | null): string {
  return endpoint === null ? 'wherever the host is' : `${endpoint.address} port ${endpoint.port}`;
}
