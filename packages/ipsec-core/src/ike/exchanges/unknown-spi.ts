import { notify } from '../../wire/ike/payloads/notify.js';
import { sameAddress } from '../connection.js';
import type { IkeHost } from '../host.js';
import type { Lineage } from '../lineage.js';
import type { Path } from '../path.js';
import { spiOctets } from './child-negotiation.js';
import { requestChildRekey } from './child-request.js';
import { inform } from './inform.js';

/**
 * An ESP or AH packet came on an SPI that is not ours. RFC 7296 section 1.5: over an IKE SA with its sender, if there is
 * one, we say so; without one nothing is said.
 */
export function reportUnknownSpi(host: IkeHost, { remote }: Path, spi: number, now: number): void {
  for (const connection of host.connections.admitting(remote)) {
    for (const lineage of host.established(connection)) {
      if (!sameAddress(lineage.path.remote.address, remote.address) || !lineage.hints.take(now)) continue;
      inform(lineage, 'invalid-spi', [notify('INVALID_SPI', spiOctets(spi))], now);
      return;
    }
  }
}

/**
 * The peer says that it does not know a Child SA that we send on. "The recipient MUST NOT change the state of any SAs as a
 * result" (section 2.21.4): somebody may have made it believe so. A rekey finds out: when the Child SA is lost there the peer
 * answers CHILD_SA_NOT_FOUND, and one is made anew; when it is not, nothing is lost on the way to its successor.
 */
export function replaceUnknown(lineage: Lineage, outboundSpi: number, now: number): void {
  const child = lineage.children.byOutboundSpi(outboundSpi);
  if (child?.phase === 'live') requestChildRekey(lineage, child, now);
}
