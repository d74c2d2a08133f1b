import type { ExplainedHop, Explanation, SpdEntry } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

export const VERDICTS: Readonly<Record<Explanation['verdict'], { readonly label: string; readonly tone: Tone }>> = {
  protected: { label: 'Protected', tone: 'up' },
  discarded: { label: 'Discarded', tone: 'down' },
  unreachable: { label: 'Unreachable', tone: 'warning' },
  not_in_fabric: { label: 'Not in the fabric', tone: 'idle' },
};

/** Addresses of an SPD entry; all networks of the edge when it names none. */
export function addressesText(addresses: SpdEntry['local']): string {
  if (addresses === null) return 'every network of the edge';
  const { ranges, more } = addresses;
  return `${ranges.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `1400 inner + 20 outer IP + 8 UDP + 8 ESP + 8 IV + 2 trailer + 16 ICV = 1462 of 1500`, by the numbers of the controller. */
export function arithmeticText(arithmetic: ExplainedHop['encapsulation']): string {
  const { innerMtu, outerHeaders, espHeader, iv, trailer, icv, outerLength, underlayMtu, udp } = arithmetic;
  const parts = [
    `${innerMtu} packet`,
    `${outerHeaders} ${udp ? 'IP and UDP' : 'IP'}`,
    `${espHeader} ESP`,
    `${iv} IV`,
    `${trailer} trailer`,
    `${icv} ICV`,
  ];
  return `${parts.join(' + ')} = ${outerLength} of ${underlayMtu} octets`;
}

/** The cipher of an association as people write it: `AES-GCM-16, 256 bits`. */
export function cipherText({ esp }: ExplainedHop['association']): string {
  const window = `replay window ${esp.replayWindow}`;
  return `${esp.encryption}, ${esp.keyBits} bits, ${esp.extendedSequenceNumbers ? '64' : '32'}-bit sequence numbers, ${window}`;
}
