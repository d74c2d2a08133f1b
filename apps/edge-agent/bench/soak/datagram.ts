import type { Memory } from '@weft/linux-io';

/**
 * A datagram of the soak: its number at the front, in two halves, and again at the end, so that a mixture of two is found
 * out; between them octets that depend on the number.
 */
export const DATAGRAM_OCTETS = 1000;
/** What the sink sends back: the number that it expects next. */
export const CREDIT_OCTETS = 8;

export function writeDatagram({ view }: Memory, offset: number, number: number): void {
  writeNumber(view, offset, number);
  view.setUint32(offset + MIDDLE, Math.imul(number, MULTIPLIER));
  writeNumber(view, offset + DATAGRAM_OCTETS - 8, number);
}

/** Its number; -1 when it is damaged. */
export function readDatagram({ view }: Memory, offset: number, length: number): number {
  if (length !== DATAGRAM_OCTETS) return -1;
  const number = readNumber(view, offset);
  if (readNumber(view, offset + DATAGRAM_OCTETS - 8) !== number) return -1;
  return view.getInt32(offset + MIDDLE) === Math.imul(number, MULTIPLIER) ? number : -1;
}

export function writeCredit({ view }: Memory, number: number): void {
  writeNumber(view, 0, number);
}

export function readCredit({ view }: Memory, offset: number): number {
  return readNumber(view, offset);
}

function writeNumber(view: DataView, offset: number, number: number): void {
  view.setUint32(offset, Math.floor(number / TWO_32));
  view.setUint32(offset + 4, number);
}

function readNumber(view: DataView, offset: number): number {
  return view.getUint32(offset) * TWO_32 + view.getUint32(offset + 4);
}

const MIDDLE = 496;
const MULTIPLIER = 0x9e3779b1;
const TWO_32 = 2 ** 32;
