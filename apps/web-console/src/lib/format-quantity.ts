/** Numbers as an operator reads them: always with a unit, three significant digits, never a bare figure. */

const BIT_RATE_UNITS = ['b/s', 'kb/s', 'Mb/s', 'Gb/s', 'Tb/s'] as const;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const COUNT_SUFFIXES = ['', 'k', 'M', 'G', 'T'] as const;

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A rate in octets per second as decimal bits per second: `12.4 Mb/s`. Negative or non-finite rates read as zero. */
export function formatBitRate(bytesPerSecond: number): string {
  const { value, unit } = scale(clean(bytesPerSecond) * 8, 1000, BIT_RATE_UNITS);
  return `${threeDigits(value)} ${unit}`;
}

/** An amount of octets in binary units: `64.0 MiB`. */
export function formatBytes(bytes: number): string {
  const { value, unit } = scale(clean(bytes), 1024, BYTE_UNITS);
  return `${unit === 'B' ? grouped.format(value) : threeDigits(value)} ${unit}`;
}

/** A whole count with digit grouping: `1,234,567`. */
export function formatCount(count: number): string {
  return grouped.format(clean(count));
}

/** A packet count: `1 packet`, `1,234 packets`. */
export function formatPackets(packets: number): string {
  return plural(packets, 'packet');
}

/** A packet count short enough for a table cell: `1.23 M packets`. */
export function formatPacketsShort(packets: number): string {
  const { value, unit } = scale(clean(packets), 1000, COUNT_SUFFIXES);
  return unit === '' ? formatPackets(packets) : `${threeDigits(value)} ${unit} packets`;
}

/** A count with its noun, in the right number: `0 edges`, `1 edge`. */
export function plural(count: number, noun: string, nouns: string = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`;
}

function clean(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}

/** Moves to the next unit where three digits would round up to it, so that no one reads `1000 kb/s`. */
function scale<Unit extends string>(
  value: number,
  base: number,
  units: readonly [Unit, ...Unit[]],
): { value: number; unit: Unit } {
  let [unit] = units;
  let scaled = value;
  for (const next of units.slice(1)) {
    if (scaled < base - 0.5) break;
    scaled /= base;
    unit = next;
  }
  return { value: scaled, unit };
}

function threeDigits(value: number): string {
  if (value === 0) return '0';
  if (value >= 99.95) return grouped.format(value);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}
