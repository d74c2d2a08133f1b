import type { SecurityAssociationParameters } from '@weft/ipsec-core';
import { socketOfSpi } from '@weft/linux-io';

/**
 * Which worker does what. Every association is in the hands of one worker for all its life, so that its sequence numbers
 * rise and its replay window is looked at and marked by one alone.
 *
 * Inbound ones are shared by SPI: the kernel hands an ESP packet to the socket that its SPI says (`socketOfSpi`). Outbound ones
 * are shared by tunnel (`SendingPlaces`), so that the packets of a flow stay with one worker when keys change.
 */
type Placed = Pick<SecurityAssociationParameters, 'direction' | 'protocol' | 'bundledWith' | 'spi'>;

/**
 * Of the worker that has AH, and ESP within AH, in both directions: the inner association of a bundle must be where the outer
 * one is, and the kernel sees the SPI of the outer one only.
 */
export const BUNDLE_PLACE = 0;

/** Of the worker that answers what would become of a packet: all have the policies and know of every outbound association. */
export const EXPLAINING_PLACE = 0;

/** Whether it is of those that all go to one worker. */
export function isOfBundles({ protocol, bundledWith }: Pick<Placed, 'protocol' | 'bundledWith'>): boolean {
  return protocol === 'ah' || bundledWith !== undefined;
}

/** Of the worker that receives on an inbound association. */
export function receivingPlace(association: Omit<Placed, 'direction'>, workers: number): number {
  return isOfBundles(association) ? BUNDLE_PLACE : socketOfSpi(association.spi, workers);
}

/**
 * Whether the worker in a place is to have an association. Outbound ones are with all of them: one that does not send on it
 * passes its packets on, and looks at what its path carries, for what it tells the other end of a TCP connection.
 */
export function isAt(place: number, association: Placed, workers: number): boolean {
  return association.direction === 'outbound' || place === receivingPlace(association, workers);
}
