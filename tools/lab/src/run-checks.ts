import { pingFlow, type TransferResult, transferFlow } from './checks/traffic.js';
import type { Lab } from './lab.js';
import type { Observations } from './report/verdict.js';
import { directionsOf, type Flow, flowsOf } from './topology/topology.js';

/** Sends the traffic that a working fabric must carry and reads what the capture saw of it. */
export async function runChecks(
  lab: Lab,
  onStep: (step: string) => void,
  elapsedSeconds: () => number,
): Promise<Observations> {
  const flows = flowsOf(lab.topology);
  onStep('Pings between all hosts');
  const pings = await Promise.all(flows.map((flow) => pingFlow(lab, flow)));
  const directions = directionsOf(lab.topology);
  const transfers = new Map<string, TransferResult>();
  // One after the other: two cores shared by several transfers would say nothing about any of them.
  for (const [index, flow] of directions.entries()) {
    onStep(`File ${index + 1} of ${directions.length}: ${flow.from.name} → ${flow.to.name}, IPv${flow.family} inside`);
    transfers.set(keyOf(flow), await transferFlow(lab, flow));
  }
  const traffic = flows.map((flow, index) => ({
    flow,
    pings: pings[index] ?? { sent: 0, received: 0 },
    transfer: transfers.get(keyOf(flow)),
  }));
  onStep('What crossed the router');
  const capture = await lab.captureCounts();
  const edges = await lab.api.edges();
  const inSync = edges.filter((edge) => edge.live.inSync).length;
  return { edges: edges.length, inSync, traffic, capture, seconds: elapsedSeconds() };
}

function keyOf({ from, to, family }: Flow): string {
  return `${from.name} ${to.name} ${family}`;
}
