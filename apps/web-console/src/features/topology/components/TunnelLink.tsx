import { EdgeLabelRenderer, type EdgeProps, type Edge as FlowEdge } from '@xyflow/react';
import type { ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { formatBitRate } from '../../../lib/format-quantity.js';
import { ArrowRightIcon } from '../../../ui/icons.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { directionsOf, totalRate, tunnelState, tunnelTitle } from '../../tunnels/directions.js';
import { between, linkWidth, type Point } from '../layout.js';
import { placed, useLine } from './use-line.js';

export type TunnelLinkData = { readonly tunnel: Tunnel; readonly onSelect: (tunnelId: string) => void };
export type TunnelLinkType = FlowEdge<TunnelLinkData, 'tunnel'>;

/** How far along the link each rate stands, nearer to its sender. */
const RATE_AT = 0.25;

/** A tunnel on the canvas: colour, dash and shape say its state; each rate stands near its sender and points away. */
export function TunnelLink({ source, target, data, selected }: EdgeProps<TunnelLinkType>): ReactNode {
  const line = useLine(source, target);
  if (line === undefined || data === undefined) return null;
  const { tunnel, onSelect } = data;
  const { start, end, path } = line;
  const { tone, label } = tunnelState(tunnel);
  const angle = Math.atan2(end.y - start.y, end.x - start.x);
  const sender = (placeId: string): Point => between(start, end, placeId === source ? RATE_AT : 1 - RATE_AT);
  return (
    <>
      <path className="react-flow__edge-interaction" d={path} fill="none" strokeOpacity={0} strokeWidth={24} />
      <path
        className={`w-link-line w-link-${tone}`}
        data-selected={selected === true}
        d={path}
        strokeWidth={linkWidth(totalRate(tunnel))}
      />
      <EdgeLabelRenderer>
        <button
          type="button"
          className="w-link-state nodrag nopan"
          data-selected={selected === true}
          style={placed(between(start, end, 0.5))}
          title={`${tunnelTitle(tunnel)}: ${label}`}
          aria-label={`Tunnel ${tunnelTitle(tunnel)}: ${label}`}
          onClick={() => onSelect(tunnel.id)}
        >
          <ToneIcon tone={tone} size={18} />
        </button>
        {tunnel.state === 'up' &&
          directionsOf(tunnel).map((direction) => (
            <div key={direction.from.deviceId} className="w-link-rate" style={placed(sender(direction.from.placeId))}>
              <span style={{ rotate: `${direction.from.placeId === source ? angle : angle + Math.PI}rad` }}>
                <ArrowRightIcon size={12} aria-hidden />
              </span>
              {formatBitRate(direction.traffic.bytesPerSecond)}
            </div>
          ))}
      </EdgeLabelRenderer>
    </>
  );
}
