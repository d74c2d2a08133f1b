/**
 * Which worker does what. Every association is in the hands of one worker for all its life, so that its sequence numbers
 * rise and its replay window is looked at and marked by one alone.
 *
 * The first worker takes all packets of the device, and has every outbound association. With more than one, the others
 * share the inbound associations by SPI: the kernel hands an ESP packet to the socket that its SPI says, so that
 * no packet has to be passed from one worker to another.
 */
export const OUTBOUND_PLACE = 0;

/** The worker of an inbound association. The filter of the sockets (`steerBySpi`) does the same sum. */
export function inboundPlace(spi: number, workers: number): number {
  return workers === 1 ? 0 : 1 + (spi % (workers - 1));
}
