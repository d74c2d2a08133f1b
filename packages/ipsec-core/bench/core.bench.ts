import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Cost } from './measure.js';
import { type PacketFigure, packetFigures } from './packets.js';
import { type PolicyFigure, policyFigures } from './policy.js';

/**
 * `npm run bench:core [-- --json] [--provider NAME]`: nanoseconds, allocations and octets of garbage per packet, for seal and open by
 * provider, suite and size, next to the bare library calls of the same run; and per SPD look-up. `--json` adds all figures as one
 * JSON object, the last line.
 */
function main(): void {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, provider: { type: 'string' } } });
  const packets = [...collect(packetFigures(values.provider))];
  const policy = [...collect(policyFigures())];
  print([header(), packetTable(packets), '', policyTable(policy), '', LEGEND].join('\n'));
  if (values.json !== true) return;
  const machine = { node: process.version, openssl: process.versions.openssl, cpu: cpus()[0]?.model };
  print(JSON.stringify({ machine, packets, policy }));
}

/** Progress goes to stderr: a run takes about a minute. */
function* collect<T>(figures: Iterable<T>): Generator<T> {
  for (const figure of figures) {
    process.stderr.write('.');
    yield figure;
  }
  process.stderr.write('\n');
}

function header(): string {
  return `Node ${process.version}, OpenSSL ${process.versions.openssl}, ${cpus()[0]?.model ?? 'unknown CPU'}\n`;
}

function packetTable(packets: readonly PacketFigure[]): string {
  const rows = packets.map(({ provider, suite, size, seal, open, raw }) => [
    provider,
    suite,
    String(size),
    nanoseconds(seal),
    nanoseconds(open),
    raw === undefined ? '-' : nanoseconds(raw),
    raw === undefined ? '-' : (seal.nanoseconds / raw.nanoseconds).toFixed(2),
    garbage(seal),
    garbage(open),
  ]);
  return table(
    ['provider', 'suite', 'octets', 'seal ns', 'open ns', 'bare ns', 'seal/bare', 'seal allocates', 'open allocates'],
    rows,
    2,
  );
}

function policyTable(policy: readonly PolicyFigure[]): string {
  const rows = policy.map(({ entries, compileMilliseconds, cached, hit, miss }) => [
    String(entries),
    compileMilliseconds.toFixed(1),
    nanoseconds(cached),
    nanoseconds(hit),
    nanoseconds(miss),
    [cached, hit, miss].map(garbage).join(', '),
  ]);
  return table(['SPD entries', 'compile ms', 'cached ns', 'hit ns', 'miss ns', 'allocate'], rows, 0);
}

function nanoseconds({ nanoseconds: value }: Cost): string {
  return value.toFixed(0);
}

function garbage({ allocations, octets }: Cost): string {
  // Less than one in ten packets is the profiler or the optimiser, not the packet.
  return allocations < 0.1 ? 'nothing' : `${allocations.toFixed(1)} (${octets.toFixed(0)} B)`;
}

/** The first `left` columns after the first are flush left, the others flush right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < left ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

const LEGEND = `octets: of the clear packet; tunnel mode with an IPv4 outer header, ESN, in place.
seal ns, open ns: everything the engine does with one packet, from parsing it to the result; best round of many.
bare ns: only the library calls that such a packet needs, in the same run. noble has no CCM of its own.
allocates: objects (octets) per packet on the JavaScript heap. "engine alone" has a provider that does nothing.
cached: a flow that the SPD cache knows; hit, miss: the first packet of a flow that an entry, or none, decides.`;

main();

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
