import { describe, expect, it } from 'vitest';
import { directionsOf, type Flow, flowsOf, LAB_TOPOLOGY } from '../topology/topology.js';
import { judge, type Observations, problemsOf } from './verdict.js';

const whole = { mebibytes: 64, megabitsPerSecond: 900, sha256Match: true, problem: undefined };
const isSent = (flow: Flow) => directionsOf(LAB_TOPOLOGY).some((each) => JSON.stringify(each) === JSON.stringify(flow));
const traffic = flowsOf(LAB_TOPOLOGY).map((flow) => ({
  flow,
  pings: { sent: 20, received: 20 },
  transfer: isSent(flow) ? whole : undefined,
}));
const good: Observations = {
  edges: 3,
  inSync: 3,
  traffic,
  capture: { packets: 9000, espPackets: 8000, cleartextPackets: 0, cleartextReasons: {}, droppedByKernel: 0 },
  seconds: 21.2345,
};

describe('the verdict', () => {
  it('has exactly the promised fields', () => {
    expect(judge(good)).toEqual({
      ok: true,
      edges: 3,
      inSync: 3,
      pingsSent: 160,
      pingsReceived: 160,
      transferMiB: 384,
      sha256Match: true,
      cleartextPackets: 0,
      espPackets: 8000,
      seconds: 21.2,
    });
  });

  it.each<[string, Partial<Observations>, RegExp]>([
    ['an edge out of sync', { inSync: 2 }, /2 of 3 edges/],
    ['no edges at all', { edges: 0, inSync: 0 }, /0 of 0 edges/],
    ['no traffic', { traffic: [] }, /No traffic/],
    ['a lost ping', { traffic: [{ ...traffic[0]!, pings: { sent: 20, received: 19 } }] }, /19 of 20 pings/],
    ['a ping never sent', { traffic: [{ ...traffic[0]!, pings: { sent: 0, received: 0 } }] }, /0 of 0 pings/],
    [
      'a broken file',
      { traffic: [{ ...traffic[0]!, transfer: { ...whole, sha256Match: false, problem: 'short' } }] },
      /did not arrive whole: short/,
    ],
    [
      'a leak',
      { capture: { ...good.capture, cleartextPackets: 1, cleartextReasons: { marker: 1 } } },
      /1 packets crossed the router in the clear \(marker 1\)/,
    ],
    ['no ESP', { capture: { ...good.capture, espPackets: 3 } }, /Only 3 ESP packets/],
    ['a capture with gaps', { capture: { ...good.capture, droppedByKernel: 5 } }, /missed 5 packets/],
  ])('is not ok with %s', (_name, change, sentence) => {
    const seen = { ...good, ...change };
    expect(judge(seen).ok).toBe(false);
    expect(problemsOf(seen).join('\n')).toMatch(sentence);
  });
});
