import { countEntryDrop, countTunnelDrop } from '@weft/ipsec-core';
import { describe, expect, it } from 'vitest';
import { GivenCounters, SharedCounters, sumOfDrops, sumOfPolicy, sumOfTunnel } from './shared-counters.js';
import { WorkerMemory } from './worker-memory.js';

/** As a message brings them: other arrays over the same memory. */
const sent = <T>(value: T): T => structuredClone(value);

describe('counters that workers share', () => {
  it('are found by name on the other side, and go on when more names come or a thread is replaced', () => {
    const ours = new SharedCounters();
    for (const [count, tunnels] of [['t'], ['t', 'u'], ['u', 't']].entries()) {
      const theirs = new GivenCounters(new WorkerMemory(ours.memory.buffer));
      theirs.give(sent(ours.policies(['e', 'f'])), sent(ours.tunnels(tunnels)));
      theirs.tunnel('t').fill(count + 1);
      theirs.policy('f').fill(count + 1);
      expect(ours.tunnel('t')?.[0]).toBe(count + 1);
      expect(ours.policy('f')?.[3]).toBe(count + 1);
      expect(ours.policy('e')?.[3]).toBe(0);
    }
    ours.keep(['e'], ['u']);
    expect([ours.policy('f'), ours.tunnel('t'), ours.tunnel('u')?.[0]]).toEqual([undefined, undefined, 0]);
    // What is unknown is counted nowhere, and does no harm.
    new GivenCounters(ours.memory).tunnel('x').fill(1);
  });

  it('add up over workers, and of times the latest counts', () => {
    const workers = [new SharedCounters(), new SharedCounters(), new SharedCounters()];
    for (const [place, worker] of workers.slice(1).entries()) {
      worker.tunnels(['t']);
      worker.policies(['e']);
      worker
        .tunnel('t')
        ?.set([1, 10, 100 + place, 2, 20, 200 - place, 4, 3, 1, ...(place === 0 ? [0, 3, 2] : [4, 7, 6, 1.5])]);
      worker.policy('e')?.set([1, 2, 3, 4]);
      const [tunnel, entry] = [worker.tunnel('t'), worker.policy('e')];
      if (tunnel === undefined || entry === undefined) throw new Error('they were made above');
      countTunnelDrop(tunnel, 'replayed', 3);
      countEntryDrop(entry, place === 0 ? 'no_association' : 'bundle_too_deep', 2);
      worker.memory.drops[0] = 5;
      worker.io.drop('unknown_peer', 6);
      worker.io.drop(place === 0 ? 'malformed_encapsulation' : 'ike_not_offered');
    }
    expect(sumOfTunnel(workers, 't')).toEqual({
      outboundPackets: 2n,
      outboundBytes: 20n,
      lastSentAt: 101,
      inboundPackets: 4n,
      inboundBytes: 40n,
      lastReceivedAt: 200,
      pathProbes: 8n,
      pathProbeAnswers: 6n,
      pathBlackHoles: 2n,
      pathMtuSearch: 'search_complete',
      roundTripProbes: 10n,
      roundTripAnswers: 8n,
      roundTrip: 1.5,
      drops: [{ reason: 'replayed', packets: 6n }],
    });
    expect(sumOfPolicy(workers, 'e')).toEqual({
      packets: 2n,
      bytes: 4n,
      inboundPackets: 6n,
      inboundBytes: 8n,
      drops: [
        { reason: 'no_association', packets: 2n },
        { reason: 'other', packets: 2n },
      ],
    });
    expect(sumOfDrops(workers)).toEqual([
      { reason: 'malformed_packet', packets: 10n },
      { reason: 'unknown_peer', packets: 12n },
      { reason: 'ike_not_offered', packets: 1n },
      { reason: 'malformed_encapsulation', packets: 1n },
    ]);
  });
});
