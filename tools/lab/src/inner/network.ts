import { mkdir, writeFile } from 'node:fs/promises';
import { planNetwork } from '../topology/network-plan.js';
import type { Topology } from '../topology/topology.js';
import { run } from './run.js';

/** Makes the namespaces, links, addresses and routes of the topology. They end with the sandbox, never one by one. */
export async function createNetwork(topology: Topology): Promise<void> {
  const plan = planNetwork(topology);
  await mkdir('/run/netns', { recursive: true });
  await runBatch(
    [],
    plan.namespaces.map(({ namespace }) => `netns add ${namespace}`),
  );
  // Before the links: an interface takes its settings from the defaults at the moment it is made.
  for (const { namespace, sysctls } of plan.namespaces) {
    const script = sysctls.map(([path, value]) => `echo ${value} > /proc/sys/${path}`).join(' && ');
    await run('nsenter', [`--net=/run/netns/${namespace}`, '--', 'sh', '-c', script]);
  }
  await runBatch([], plan.links);
  for (const { namespace, batch } of plan.namespaces) await runBatch(['-n', namespace], batch);
}

async function runBatch(options: readonly string[], lines: readonly string[]): Promise<void> {
  const path = '/run/weft-lab/network.batch';
  await writeFile(path, `${lines.join('\n')}\n`);
  await run('ip', [...options, '-batch', path]);
}
