import { Fragment, type KeyboardEvent, type ReactNode } from 'react';
import type { Tunnel } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { formatBitRate, formatBytes, formatCount, formatPacketsShort } from '../../../lib/format-quantity.js';
import { formatSpi } from '../../../lib/format-spi.js';
import { ChevronDownIcon, ChevronRightIcon } from '../../../ui/icons.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { moveBetweenRows } from '../../../ui/row-keys.js';
import { StateMark } from '../../../ui/StateMark.js';
import { SortableHeader, type Sorter } from '../../../ui/sorting.js';
import { type Direction, directionsOf, totalRate, tunnelState, tunnelTitle } from '../directions.js';
import { ProtectionMarks } from './ProtectionMarks.js';
import { TunnelDetail } from './TunnelDetail.js';
import { TunnelKeysMark } from './TunnelKeysMark.js';

export type TunnelColumn = 'state' | 'name' | 'rate' | 'bytes' | 'rekeys';

const STATE_ORDER: Readonly<Record<Tunnel['state'], number>> = { down: 0, establishing: 1, waiting: 2, up: 3 };
const COLUMNS = 10;

export const TUNNEL_COMPARISONS: Readonly<Record<TunnelColumn, (a: Tunnel, b: Tunnel) => number>> = {
  state: (a, b) => STATE_ORDER[a.state] - STATE_ORDER[b.state],
  name: (a, b) => compareNames(tunnelTitle(a), tunnelTitle(b)),
  rate: (a, b) => totalRate(a) - totalRate(b),
  bytes: (a, b) => totalBytes(a) - totalBytes(b),
  rekeys: (a, b) => a.rekeys - b.rekeys,
};

interface TunnelTableProps {
  readonly tunnels: readonly Tunnel[];
  readonly sorter: Sorter<TunnelColumn, Tunnel>;
  readonly openId: string | undefined;
  readonly onToggle: (tunnelId: string) => void;
}

/** Tunnels with a line per direction; a row opens to its detail. */
export function TunnelTable({ tunnels, sorter, openId, onToggle }: TunnelTableProps): ReactNode {
  return (
    <table className="w-table w-tunnels">
      <thead>
        <tr>
          <SortableHeader column="state" sorter={sorter}>
            State
          </SortableHeader>
          <SortableHeader column="name" sorter={sorter}>
            Tunnel
          </SortableHeader>
          <th>Direction</th>
          <SortableHeader column="rate" sorter={sorter} numeric>
            Rate
          </SortableHeader>
          <th className="w-right">Sent</th>
          <SortableHeader column="bytes" sorter={sorter} numeric>
            Volume
          </SortableHeader>
          <th>SPI</th>
          <th>Last packet</th>
          <th>Keys by</th>
          <SortableHeader column="rekeys" sorter={sorter} numeric>
            Rekeys
          </SortableHeader>
        </tr>
      </thead>
      <tbody onKeyDown={moveBetweenRows}>
        {tunnels.map((tunnel) => (
          <TunnelRow key={tunnel.id} tunnel={tunnel} open={tunnel.id === openId} onToggle={() => onToggle(tunnel.id)} />
        ))}
      </tbody>
    </table>
  );
}

interface TunnelRowProps {
  readonly tunnel: Tunnel;
  readonly open: boolean;
  readonly onToggle: () => void;
}

function TunnelRow({ tunnel, open, onToggle }: TunnelRowProps): ReactNode {
  const { tone, label } = tunnelState(tunnel);
  const Chevron = open ? ChevronDownIcon : ChevronRightIcon;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onToggle();
  };
  return (
    <Fragment>
      <tr tabIndex={0} aria-expanded={open} data-tunnel={tunnel.id} onClick={onToggle} onKeyDown={onKeyDown}>
        <td>
          <StateMark tone={tone} label={label} />
        </td>
        <td className="w-strong">
          <span className="w-row-title">
            <Chevron size={14} aria-hidden />
            {tunnelTitle(tunnel)}
          </span>
          <ProtectionMarks tunnel={tunnel} />
          {/* Of one that waits the state says it all. */}
          {tunnel.reason !== null && tunnel.state !== 'waiting' && !open && (
            <div className="w-row-reason" title={tunnel.reason}>
              {tunnel.reason}
            </div>
          )}
        </td>
        <Lines tunnel={tunnel} of={({ to }) => `→ ${to.place}`} />
        <Lines tunnel={tunnel} numeric of={({ traffic }) => formatBitRate(traffic.bytesPerSecond)} />
        <Lines tunnel={tunnel} numeric of={({ traffic }) => formatPacketsShort(traffic.packets)} />
        <Lines tunnel={tunnel} numeric of={({ traffic }) => formatBytes(traffic.bytes)} />
        <Lines tunnel={tunnel} of={({ spi }) => (spi === null ? '–' : <code>{formatSpi(spi)}</code>)} />
        <Lines
          tunnel={tunnel}
          of={({ to, lastPacketAt }) => (to.external ? '–' : <RelativeTime at={lastPacketAt} absent="none yet" />)}
        />
        <td>
          <TunnelKeysMark tunnel={tunnel} />
        </td>
        <td className="w-right w-numeric">{formatCount(tunnel.rekeys)}</td>
      </tr>
      {open && (
        <tr className="w-detail-row">
          <td colSpan={COLUMNS}>
            <TunnelDetail tunnel={tunnel} />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

interface LinesProps {
  readonly tunnel: Tunnel;
  readonly of: (direction: Direction) => ReactNode;
  readonly numeric?: boolean;
}

/** A cell with a line per direction, so that lines read across the row. */
function Lines({ tunnel, of, numeric = false }: LinesProps): ReactNode {
  return (
    <td className={numeric ? 'w-right w-numeric' : ''}>
      {directionsOf(tunnel).map((direction) => (
        <div key={direction.from.deviceId} className="w-line">
          {of(direction)}
        </div>
      ))}
    </td>
  );
}

function totalBytes(tunnel: Tunnel): number {
  return directionsOf(tunnel).reduce((sum, { traffic }) => sum + traffic.bytes, 0);
}
