import type { CaptureCounts } from '../capture/counts.js';
import type { TrafficResult } from '../checks/traffic.js';

/** The line that `--json` prints last. */
export interface Verdict {
  readonly ok: boolean;
  readonly edges: number;
  readonly inSync: number;
  readonly pingsSent: number;
  readonly pingsReceived: number;
  readonly transferMiB: number;
  readonly sha256Match: boolean;
  readonly cleartextPackets: number;
  readonly espPackets: number;
  readonly seconds: number;
}

export interface Observations {
  readonly edges: number;
  readonly inSync: number;
  readonly traffic: readonly TrafficResult[];
  readonly capture: CaptureCounts;
  readonly seconds: number;
}

/** The figures and whether they are good. */
export function judge(seen: Observations): Verdict {
  const transfers = seen.traffic.flatMap(({ transfer }) => transfer ?? []);
  const pingsSent = sum(seen.traffic.map(({ pings }) => pings.sent));
  const figures = {
    edges: seen.edges,
    inSync: seen.inSync,
    pingsSent,
    pingsReceived: sum(seen.traffic.map(({ pings }) => pings.received)),
    transferMiB: sum(transfers.map(({ mebibytes }) => mebibytes)),
    sha256Match: transfers.length > 0 && transfers.every(({ sha256Match }) => sha256Match),
    cleartextPackets: seen.capture.cleartextPackets,
    espPackets: seen.capture.espPackets,
    seconds: Number(seen.seconds.toFixed(1)),
  };
  return { ok: problemsOf(seen).length === 0, ...figures };
}

/** What is wrong, one sentence each; empty when all is well. */
export function problemsOf({ edges, inSync, traffic, capture }: Observations): readonly string[] {
  const problems: string[] = [];
  if (edges === 0 || inSync !== edges) problems.push(`${inSync} of ${edges} edges are in sync.`);
  if (!traffic.some(({ transfer }) => transfer !== undefined)) problems.push('No traffic was sent.');
  for (const { flow, pings, transfer } of traffic) {
    const direction = `${flow.from.name} → ${flow.to.name} (IPv${flow.family})`;
    if (pings.sent === 0 || pings.received !== pings.sent) {
      problems.push(`${direction}: ${pings.received} of ${pings.sent} pings were answered.`);
    }
    if (transfer?.problem !== undefined)
      problems.push(`${direction}: the file did not arrive whole: ${transfer.problem}`);
  }
  if (capture.cleartextPackets > 0) {
    const reasons = Object.entries(capture.cleartextReasons).map(([reason, count]) => `${reason} ${count}`);
    problems.push(`${capture.cleartextPackets} packets crossed the router in the clear (${reasons.join(', ')}).`);
  }
  if (capture.espPackets < sum(traffic.map(({ pings }) => pings.sent))) {
    problems.push(`Only ${capture.espPackets} ESP packets crossed the router: the traffic went another way.`);
  }
  if (capture.droppedByKernel > 0) {
    problems.push(`The capture missed ${capture.droppedByKernel} packets, so its figures prove nothing.`);
  }
  return problems;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
