import { notify } from '../../wire/ike/payloads/notify.js';
import { sameAddress } from '../connection.js';
import type { IkeHost } from '../host.js';
import type { Lineage } from '../lineage.js';
import type { Path } from '../path.js';
import { flowOf } from './child-context.js';
import { spiOctets } from './child-negotiation.js';
import { requestChild } from './child-request.js';
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

/** The peer does not know a Child SA that we send on: it is lost there, so it is made anew. */
export function replaceUnknown(lineage: Lineage, outboundSpi: number, now: number): void {
  const child = lineage.children.byOutboundSpi(outboundSpi);
  if (child?.phase !== 'live') return;
  lineage.children.remove(child);
  requestChild(lineage, child.configuration, now, flowOf(child));
}
