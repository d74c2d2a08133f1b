import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import { socketOfSpi } from '@weft/linux-io';

/**
 * Which worker does what. Every association is in the hands of one worker for all its life, so that its sequence numbers
 * rise and its replay window is looked at and marked by one alone.
 *
 * The first worker takes all packets of the device and sends on every outbound association. With more than one, the others
 * share the inbound associations by SPI: the kernel hands an ESP packet to the socket that its SPI says (`socketOfSpi`).
 */
export const OUTBOUND_PLACE = 0;

/** Of the worker that has what travels directly on IP, in both directions: nothing steers it. */
export const NATIVE_PLACE = 0;

/**
 * Whether the worker in a place is to have an association. Outbound ones are with all of them: those that do not send look
 * at what their path carries, for what they tell the other end of a TCP connection.
 */
export function isAt(place: number, association: SecurityAssociationParameters, workers: number): boolean {
  const { direction, mode, outer, spi } = association;
  if (mode === 'transport' || outer !== undefined) return place === NATIVE_PLACE;
  return direction === 'outbound' || place === socketOfSpi(spi, workers);
}
