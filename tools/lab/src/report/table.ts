import type { TrafficResult } from '../checks/traffic.js';

/** One line per direction of traffic, aligned, with a heading. */
export function trafficTable(traffic: readonly TrafficResult[]): string {
  const rows = traffic.map(({ flow, pings, transfer }) => [
    `${flow.from.name} → ${flow.to.name}`,
    `IPv${flow.family}`,
    `${pings.received}/${pings.sent}`,
    ...transferCells(transfer),
  ]);
  const all = [HEADING, ...rows];
  const widths = HEADING.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          NUMERIC.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function transferCells(transfer: TrafficResult['transfer']): readonly string[] {
  if (transfer === undefined) return ['–', '–', '–'];
  const { mebibytes, megabitsPerSecond, sha256Match } = transfer;
  return [mebibytes.toFixed(0), megabitsPerSecond.toFixed(0), sha256Match ? 'match' : 'MISMATCH'];
}

const HEADING = ['direction', 'inner', 'pings', 'MiB', 'Mb/s', 'SHA-256'];
const NUMERIC: ReadonlySet<number> = new Set([2, 3, 4]);
