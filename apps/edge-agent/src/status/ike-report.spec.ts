import type { NegotiationHistory } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { EndedNegotiations } from '../ike/edge-negotiation.js';
import { UNTRIED } from '../ike/negotiation-state.js';
import { IkeReport, ikeReport, renderIkeReport } from './ike-report.js';

const SILENT: NegotiationHistory = {
  entries: [
    { at: 1000, sa: '0a0b0c0d', kind: 'retransmitted', exchange: 34, id: 0, attempt: 1 },
    { at: 3000, sa: '0a0b0c0d', kind: 'failed', reason: { code: 'peer_silent' } },
  ],
  omitted: 3,
};
const UP: NegotiationHistory = { entries: [{ at: 9000, sa: '01020304', kind: 'took-over' }], omitted: 0 };

function report(ppk = false) {
  const ended = new EndedNegotiations();
  ended.take({ kind: 'ike-failed', connection: 't', reason: { code: 'peer_silent' }, history: SILENT });
  ended.take({ kind: 'ike-failed', connection: 'gone', reason: { code: 'peer_silent' }, history: SILENT });
  ended.forget('gone');
  return ikeReport({
    edgeName: 'paris',
    peers: new Map([['t', 'tokyo']]),
    states: new Map([['t', { ...UNTRIED, established: true, keyExchangeMethods: [31, 36], ppk, rekeys: 2n }]]),
    negotiations: ended.with([{ connection: 't', role: 'initiator', state: 'established', history: UP }]),
    wallClock: (at) => new Date(at),
  });
}

describe('What weft-edge ike shows', () => {
  it('is what ended last, and then what stands, with names and times', () => {
    const made = report();
    expect(IkeReport.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
    expect(made.tunnels).toMatchObject([
      {
        id: 't',
        peer: 'tokyo',
        keyExchange: ['CURVE25519', 'ML_KEM_768'],
        rekeys: '2',
        negotiations: [
          {
            state: 'ended',
            omitted: 3,
            entries: [
              { at: '1970-01-01T00:00:01.000Z', kind: 'retransmitted', exchange: 'IKE_SA_INIT' },
              { kind: 'failed', why: expect.stringContaining('does not answer') },
            ],
          },
          { state: 'established', entries: [{ kind: 'took-over' }] },
        ],
      },
    ]);
  });

  it('says that a preshared key is in the keys', () => {
    const made = report(true);
    expect(made.tunnels).toMatchObject([{ ppk: true }]);
    expect(renderIkeReport(made, 'table')).toMatch(/^tokyo: established, keys by CURVE25519 \+ ML_KEM_768 \+ PPK\n/);
  });

  it('says that somebody was refused who said to be the peer, where that has not failed', () => {
    const states = new Map([['t', { ...UNTRIED, refusal: 'the pre-shared keys differ' }]]);
    const wallClock = (at: number) => new Date(at);
    const made = ikeReport({ edgeName: 'paris', peers: new Map(), states, negotiations: new Map(), wallClock });
    expect(renderIkeReport(made, 'table')).toBe(
      't: not established\nsomebody who says to be it was refused: the pre-shared keys differ',
    );
  });

  it('as text', () => {
    expect(renderIkeReport(report(), 'table')).toBe(
      [
        'tokyo: established, keys by CURVE25519 + ML_KEM_768',
        'ended',
        '+0.000 s  0a0b0c0d  -->  IKE_SA_INIT request 0 sent again, attempt 2',
        '+2.000 s  0a0b0c0d       failed',
        '                         the peer does not answer: check that it runs, and that UDP to its underlay address passes',
        '(3 entries were left out)',
        'established',
        '+0.000 s  01020304       took over from the IKE SA before it',
      ].join('\n'),
    );
    expect(renderIkeReport({ tunnels: [] }, 'table')).toBe('this edge keys no tunnel itself');
  });

  it('as diagrams', () => {
    const diagrams = renderIkeReport(report(), 'diagram').split('\n\n');
    expect(diagrams).toHaveLength(2);
    for (const diagram of diagrams) expect(diagram).toMatch(/^sequenceDiagram\n {2}participant us as paris\n/);
  });
});
