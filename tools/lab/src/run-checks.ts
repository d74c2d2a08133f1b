import { pingFlow, type TrafficResult, transferFlow } from './checks/traffic.js';
import type { Lab } from './lab.js';
import type { Observations } from './report/verdict.js';
import { flowsOf } from './topology/topology.js';

/** Sends the traffic that a working fabric must carry and reads what the capture saw of it. */
export async function runChecks(
  lab: Lab,
  onStep: (step: string) => void,
  elapsedSeconds: () => number,
): Promise<Observations> {
  const flows = flowsOf(lab.topology);
  onStep('Pings between all hosts');
  const pings = await Promise.all(flows.map((flow) => pingFlow(lab, flow)));
  const traffic: TrafficResult[] = [];
  // One after the other: two cores shared by several transfers would say nothing about any of them.
  for (const [index, flow] of flows.entries()) {
    onStep(`File ${index + 1} of ${flows.length}: ${flow.from.name} → ${flow.to.name}, IPv${flow.family} inside`);
    const transfer = await transferFlow(lab, flow);
    traffic.push({ flow, pings: pings[index] ?? { sent: 0, received: 0 }, transfer });
  }
  onStep('What crossed the router');
  const capture = await lab.captureCounts();
  const edges = await lab.api.edges();
  const inSync = edges.filter((edge) => edge.live.inSync).length;
  return { edges: edges.length, inSync, traffic, capture, seconds: elapsedSeconds() };
}
