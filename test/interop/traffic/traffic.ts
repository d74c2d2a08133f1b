import { within } from '../network.js';
import type { TrafficEnd } from './end.js';

/** The hosts behind both ends. */
export interface TrafficEnds {
  readonly us: TrafficEnd;
  readonly peer: TrafficEnd;
}

type Host = Pick<TrafficEnd, 'namespace' | 'host'>;

/** A ping each way, and a TCP stream that comes back octet for octet. Throws when anything is lost. */
export async function exchangeTraffic(ends: TrafficEnds): Promise<void> {
  await pingBothWays(ends);
  const { us, peer } = ends;
  if (!(await us.stream(peer.host, STREAM_OCTETS))) throw new Error(`TCP to ${peer.host} came back different`);
}

export async function pingBothWays({ us, peer }: { readonly us: Host; readonly peer: Host }): Promise<void> {
  await Promise.all([ping(us, peer.host), ping(peer, us.host)]);
}

/** Throws unless the one packet is answered. */
export async function ping(from: Host, destination: string, source = from.host): Promise<void> {
  const args = ['-n', '-c', '1', '-W', String(PING_SECONDS), '-I', source, destination];
  await within(from.namespace, 'ping', args).catch(() => {
    throw new Error(`no answer to a ping from ${source} to ${destination}`);
  });
}

/** Numbered datagrams each way while something happens. Throws when one of them did not come back. */
export async function underTraffic({ us, peer }: TrafficEnds, happening: () => Promise<void>): Promise<void> {
  await us.startProbes(peer.host, PROBE_INTERVAL);
  await peer.startProbes(us.host, PROBE_INTERVAL);
  let results: { readonly sent: number; readonly missing: readonly number[] }[] = [];
  try {
    await happening();
  } finally {
    results = await Promise.all([us.stopProbes(LAST_MOMENT), peer.stopProbes(LAST_MOMENT)]);
  }
  for (const [index, { sent, missing }] of results.entries()) {
    if (missing.length === 0) continue;
    const whose = index === 0 ? 'ours' : "the peer's";
    throw new Error(`${missing.length} of ${sent} probes, ${whose}, were lost: ${missing.slice(0, 10).join(', ')}`);
  }
}

const STREAM_OCTETS = 65_536;
const PING_SECONDS = 10;
const PROBE_INTERVAL = 2;
/** For probes that are under way when the last thing has happened. */
const LAST_MOMENT = 10_000;
