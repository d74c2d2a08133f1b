import { createSecurityPolicyDatabase, parsePrefix, type SecurityPolicy } from '@weft/ipsec-core';
import { Flow, parseFlow } from '../src/wire/ip/flow.js';
import { ipPacket, udp } from '../test/support/packets.js';
import { type Cost, measure } from './measure.js';

export interface PolicyFigure {
  readonly entries: number;
  /** To make the database, once per policy. */
  readonly compileMilliseconds: number;
  /** A flow that the cache knows. */
  readonly cached: Cost;
  /** The first packet of a flow that an entry decides. */
  readonly hit: Cost;
  /** The first packet of a flow that no entry decides. */
  readonly miss: Cost;
}

export function* policyFigures(): Generator<PolicyFigure> {
  for (const entries of [10, 1000, 10_000]) {
    const policies = Array.from({ length: entries }, (_, i) => entryOf(i));
    const start = performance.now();
    const database = createSecurityPolicyDatabase(policies);
    const compileMilliseconds = performance.now() - start;
    // Spread over the whole policy: the last entry must not be cheaper or dearer than the first.
    const hits = Array.from({ length: FLOWS }, (_, i) => flowOf(Math.floor((i * entries) / FLOWS), 53));
    const misses = Array.from({ length: FLOWS }, (_, i) => flowOf(Math.floor((i * entries) / FLOWS), 60_000));
    const [first] = hits;
    if (first === undefined || database.search(first, 'outbound') < 0) throw new Error('a hit finds no entry');
    if (misses.some((flow) => database.search(flow, 'outbound') >= 0)) throw new Error('a miss finds an entry');
    const over = (flows: readonly Flow[]) => ({
      count: FLOWS,
      work: () => {
        for (const flow of flows) database.search(flow, 'outbound');
      },
    });
    const cached = {
      count: FLOWS,
      work: () => {
        for (let i = 0; i < FLOWS; i++) database.lookup(first, 'outbound');
      },
    };
    yield {
      entries,
      compileMilliseconds,
      cached: measure(cached),
      hit: measure(over(hits)),
      miss: measure(over(misses)),
    };
  }
}

function entryOf(i: number): SecurityPolicy {
  return {
    entryId: `e${i}`,
    ruleId: 'r',
    action: 'BYPASS',
    selectors: [
      {
        localAddresses: [parsePrefix(`10.${i >>> 8}.${i & 255}.0/24`).range],
        remoteAddresses: [parsePrefix('172.16.0.0/12').range],
        protocol: 17,
        localPorts: [],
        remotePorts: [{ first: 1, last: 1024 + (i % 7) }],
      },
    ],
  };
}

function flowOf(entry: number, port: number): Flow {
  const source = `10.${entry >>> 8}.${entry & 255}.9`;
  const packet = ipPacket({ source, destination: '172.16.0.9', payload: udp(1000, port, 8) });
  const flow = new Flow();
  if (!parseFlow(flow, packet, 0, packet.length)) throw new Error('the packet is malformed');
  return flow;
}

const FLOWS = 256;
