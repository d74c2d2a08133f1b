import type { Figures } from './measure.js';

/** One path in the table. Figures that were not taken are absent. */
export type Row = { readonly path: string; readonly rssMiB: number } & Partial<Figures>;

/** How Weft compares for one TCP stream; absent without the other. */
export interface Ratios {
  readonly strongswan?: number;
  /** The fastest wireguard-go of the run. */
  readonly wireguardGo?: number;
  readonly plainTcp?: number;
  /** The same with 1,000 SAs and 10,000 policies installed. */
  readonly scale?: number;
  /** 64-octet datagrams per second, to the best of the other tunnels. */
  readonly udp64?: number;
  /** Median round-trip time, to the best of the other tunnels. */
  readonly rttIdle?: number;
}

export function ratiosOf(rows: readonly Row[]): Ratios {
  const weft = rows.find(({ path }) => path === 'weft');
  const others = rows.filter(({ path }) => /^(strongswan|wireguard-go)/.test(path));
  const best = (path: RegExp, figure: keyof Figures, better: (...values: number[]) => number) => {
    const values = rows.filter((row) => path.test(row.path)).flatMap((row) => row[figure] ?? []);
    return values.length === 0 ? undefined : better(...values);
  };
  const tcp = weft?.tcp1Gbps;
  return withoutAbsent({
    strongswan: ratio(tcp, best(/^strongswan/, 'tcp1Gbps', Math.max)),
    wireguardGo: ratio(tcp, best(/^wireguard-go/, 'tcp1Gbps', Math.max)),
    plainTcp: ratio(tcp, best(/^plain$/, 'tcp1Gbps', Math.max)),
    scale: ratio(best(/^weft, /, 'tcp1Gbps', Math.max), tcp),
    udp64: others.length === 0 ? undefined : ratio(weft?.udp64Kpps, best(/^(strong|wire)/, 'udp64Kpps', Math.max)),
    rttIdle:
      others.length === 0 ? undefined : ratio(weft?.rttIdleP50Us, best(/^(strong|wire)/, 'rttIdleP50Us', Math.min)),
  });
}

/** The table, and the ratios below it. */
export function renderTable(rows: readonly Row[], ratios: Ratios): string {
  const width = Math.max(...rows.map(({ path }) => path.length)) + 2;
  const head = ['path'.padEnd(width), ...COLUMNS.map(([title]) => title.padStart(COLUMN_WIDTH))].join('');
  const body = rows.map((row) =>
    [
      row.path.padEnd(width),
      ...COLUMNS.map(([, name, digits]) => (row[name]?.toFixed(digits) ?? '-').padStart(COLUMN_WIDTH)),
    ].join(''),
  );
  const lines = Object.entries(ratios).map(
    ([name, value]) => `${RATIO_STORIES[name as keyof Ratios]}: ${value.toFixed(2)}`,
  );
  return `${[head, ...body, '', ...lines].join('\n')}\n`;
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function withoutAbsent(ratios: { readonly [Name in keyof Ratios]: number | undefined }): Ratios {
  return Object.fromEntries(Object.entries(ratios).filter(([, value]) => value !== undefined));
}

const COLUMNS: readonly (readonly [string, Exclude<keyof Row, 'path'>, number])[] = [
  ['TCP Gb/s', 'tcp1Gbps', 2],
  ['8 x TCP', 'tcp8Gbps', 2],
  ['TCP IPv6', 'tcp1Ipv6Gbps', 2],
  ['64 B kpps', 'udp64Kpps', 0],
  ['1400 kpps', 'udp1400Kpps', 0],
  ['RTT p50 us', 'rttIdleP50Us', 0],
  ['p99', 'rttIdleP99Us', 0],
  ['loaded p50', 'rttLoadP50Us', 0],
  ['p99', 'rttLoadP99Us', 0],
  ['CPU s/GB', 'cpuSecondsPerGB', 2],
  ['MiB', 'rssMiB', 0],
];
const COLUMN_WIDTH = 12;
const RATIO_STORIES: Readonly<Record<keyof Ratios, string>> = {
  strongswan: 'one TCP stream, Weft to strongSwan with userspace ESP',
  wireguardGo: 'one TCP stream, Weft to the faster wireguard-go',
  plainTcp: 'one TCP stream, Weft to plain TCP on the same veth',
  scale: 'one TCP stream, with 1,000 SAs and 10,000 policies to with few',
  udp64: '64-octet datagrams per second, Weft to the best peer',
  rttIdle: 'idle round-trip time, Weft to the best peer',
};
