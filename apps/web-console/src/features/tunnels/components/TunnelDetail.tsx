import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { formatEndpoint } from '../../../lib/format-endpoint.js';
import { formatBytes, formatCount, formatPackets } from '../../../lib/format-quantity.js';
import { formatSpi } from '../../../lib/format-spi.js';
import { CopyValue } from '../../../ui/CopyLine.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { type Direction, directionsOf } from '../directions.js';
import { pathText } from '../path-text.js';
import { TunnelProtection } from './TunnelProtection.js';
import { TunnelReason } from './TunnelReason.js';

const RateChart = lazy(() => import('./RateChart.js').then((module) => ({ default: module.RateChart })));

/** Everything that is known of one tunnel: its rates over time and both of its associations. */
export function TunnelDetail({ tunnel }: { readonly tunnel: Tunnel }): ReactNode {
  const directions = directionsOf(tunnel);
  const [there, back] = directions;
  return (
    <div className="w-tunnel-detail">
      <TunnelReason tunnel={tunnel} />
      <TunnelProtection tunnel={tunnel} />
      <div className="w-tunnel-columns">
        {there !== undefined && back !== undefined && (
          <Suspense fallback={<Skeleton height={176} />}>
            <RateChart tunnelId={tunnel.id} labels={[arrow(there), arrow(back)]} />
          </Suspense>
        )}
        {directions.map((direction) => (
          <DirectionFacts key={direction.from.deviceId} direction={direction} />
        ))}
      </div>
      <div className="w-tunnel-id w-dim w-small">
        Tunnel <code>{tunnel.id}</code>
        <CopyValue text={tunnel.id} label="Copy the tunnel's identifier" />
        {tunnel.externalPeer !== null && (
          <Link to="/external-peers/$peerId" params={{ peerId: tunnel.externalPeer.id }} className="w-push">
            More about {tunnel.externalPeer.name}
          </Link>
        )}
      </div>
    </div>
  );
}

/** Counters of one direction: the sender's beside the receiver's, so that loss between them shows. */
export function DirectionFacts({ direction }: { readonly direction: Direction }): ReactNode {
  const { from, to, sent, received, traffic, spi, lastPacketAt, protocol, path, observed } = direction;
  return (
    <section className="w-direction">
      <h3>
        {from.device} <span className="w-dim">→</span> {to.device}
      </h3>
      <Facts>
        <Fact name="Sent">
          <Counted traffic={sent} />
        </Fact>
        <Fact name="Received">
          <Counted traffic={received} />
        </Fact>
        <Fact name="Packet rate">{formatCount(traffic.packetsPerSecond)} packets/s</Fact>
        <Fact name="SPI">
          {spi === null ? <span className="w-dim">no association</span> : <code>{formatSpi(spi)}</code>}
        </Fact>
        <Fact name="Last packet">
          {to.external ? <NotTold /> : <RelativeTime at={lastPacketAt} absent="none yet" />}
        </Fact>
        {observed !== null && (
          <Fact name="Met at">
            <code>{formatEndpoint(observed)}</code>
            {observed.behindNat && <div className="w-dim w-small">the outside of a NAT</div>}
          </Fact>
        )}
        {!from.external && <PathFacts path={path} protocol={protocol} />}
      </Facts>
    </section>
  );
}

function Counted({ traffic }: { readonly traffic: Direction['sent'] }): ReactNode {
  if (traffic === null) return <NotTold />;
  return `${formatPackets(traffic.packets)}, ${formatBytes(traffic.bytes)}`;
}

/** Of an external peer, which reports nothing to us. */
function NotTold(): ReactNode {
  return <span className="w-dim">not told</span>;
}

function PathFacts({ path, protocol }: Pick<Direction, 'path' | 'protocol'>): ReactNode {
  if (path === null) {
    return (
      <Fact name="Largest packet">
        <span className="w-dim">not known</span>
      </Fact>
    );
  }
  const { largestPacket, arithmetic, foundBy, segments, roundTrip } = pathText(path, protocol);
  return (
    <>
      <Fact name="Largest packet">
        {largestPacket}
        <div className="w-dim w-small">
          {arithmetic}, {foundBy}
        </div>
      </Fact>
      {segments !== undefined && <Fact name="TCP segments">{segments}</Fact>}
      {roundTrip !== undefined && <Fact name="Round trip">{roundTrip}</Fact>}
    </>
  );
}

function arrow({ from, to }: Direction): string {
  return `${from.place} → ${to.place}`;
}
