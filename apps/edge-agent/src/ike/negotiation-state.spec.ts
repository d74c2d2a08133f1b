import type { ConnectionEvent, PathChangeCause } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { afterEvent, type NegotiationState, UNTRIED } from './negotiation-state.js';

const connection = 't';
const after = (state: NegotiationState, ...events: readonly ConnectionEvent[]) =>
  events.reduce((current, event) => afterEvent(current, event), state);
const ESTABLISHED: ConnectionEvent = {
  kind: 'ike-established',
  connection,
  keyExchangeMethods: [31, 36],
  postQuantum: ['kem'],
};
const history = { entries: [], omitted: 0 };
const SILENT: ConnectionEvent = { kind: 'ike-failed', connection, reason: { code: 'peer_silent' }, history };
const CLOSED: ConnectionEvent = { kind: 'ike-closed', connection, by: 'peer', history };
const CHILD_REFUSED: ConnectionEvent = {
  kind: 'child-failed',
  connection,
  child: 't',
  reason: { code: 'single_pair_required' },
};
const CHILD_CLOSED: ConnectionEvent = { kind: 'child-closed', connection, child: 't', inboundSpi: 256, by: 'peer' };

describe('The negotiation of a tunnel', () => {
  it('says why it last went by another path, and how often for what, until another IKE SA begins somewhere', () => {
    const endpoint = { address: Uint8Array.of(192, 0, 2, 1), port: 4500 };
    const moved = (cause: PathChangeCause) =>
      ({ kind: 'path-changed', connection: 't', local: endpoint, remote: endpoint, cause }) as const;
    const state = after(UNTRIED, ESTABLISHED, moved('path_silent'), moved('preferred_answers'), moved('path_silent'));
    expect(state).toMatchObject({
      pathCause: 'path_silent',
      pathChangesByCause: { path_silent: 2, preferred_answers: 1 },
    });
    expect(after(state, ESTABLISHED)).toMatchObject({ pathCause: undefined, pathChangesByCause: { path_silent: 2 } });
  });

  it('stays up while the ends authenticate anew, whether that succeeds or not', () => {
    const up = after(UNTRIED, ESTABLISHED);
    const refused: ConnectionEvent = {
      kind: 'ike-attempt-failed',
      connection,
      reason: { code: 'authentication_expired' },
      history,
    };
    expect(after(up, refused)).toMatchObject({
      established: true,
      wants: 'nothing',
      failures: 0,
      failure: expect.stringContaining('anew'),
    });
    const anew = after(up, refused, ESTABLISHED, { kind: 'ike-superseded', connection, by: 'us', history });
    expect(anew).toMatchObject({ established: true, wants: 'nothing', failure: undefined, rekeys: 1n });
  });

  it('wants an IKE SA, counts failures, and forgets them when it has one', () => {
    const failed = after(UNTRIED, SILENT, SILENT);
    expect(failed).toMatchObject({ wants: 'ike', failures: 2, failure: expect.stringContaining('does not answer') });
    expect(after(failed, ESTABLISHED)).toEqual({
      established: true,
      keyExchangeMethods: [31, 36],
      ppk: false,
      failure: undefined,
      failures: 0,
      failuresByCause: { peer_silent: 2 },
      rekeys: 0n,
      pathChangesByCause: {},
      pathCause: undefined,
      assigned: undefined,
      wants: 'nothing',
    });
  });

  it('knows whether a preshared key is in the keys, of each IKE SA anew', () => {
    const mixed = after(UNTRIED, { ...ESTABLISHED, postQuantum: ['kem', 'ppk'] });
    expect(mixed.ppk).toBe(true);
    expect(after(mixed, ESTABLISHED).ppk).toBe(false);
  });

  it('wants a Child SA again while the IKE SA stands, and an IKE SA when that is gone', () => {
    const up = after(UNTRIED, ESTABLISHED);
    expect(after(up, CHILD_CLOSED)).toMatchObject({ established: true, wants: 'child', failures: 0 });
    expect(after(up, CHILD_REFUSED)).toMatchObject({ established: true, wants: 'child', failures: 1 });
    expect(after(up, CHILD_CLOSED, CLOSED)).toMatchObject({
      established: false,
      wants: 'ike',
    });
    // Both arrive when an IKE SA takes its children along, in this order.
    expect(after(up, CLOSED, CHILD_CLOSED)).toMatchObject({ wants: 'ike' });
  });

  it('still wants a Child SA that was refused together with the IKE SA being established', () => {
    expect(after(UNTRIED, CHILD_REFUSED, ESTABLISHED)).toMatchObject({
      established: true,
      wants: 'child',
      failures: 1,
    });
  });

  it('counts what was replaced', () => {
    const rekeyed: ConnectionEvent = { kind: 'child-rekeyed', connection, oldInboundSpi: 256, newInboundSpi: 257 };
    const up = after(UNTRIED, ESTABLISHED, rekeyed, { kind: 'ike-rekeyed', connection });
    expect(up).toMatchObject({ rekeys: 2n, wants: 'nothing' });
  });

  it('knows what the peer assigned as long as the IKE SA stands', () => {
    const configured: ConnectionEvent = {
      kind: 'configured',
      connection,
      addresses: [Uint8Array.of(10, 9, 0, 2)],
      dns: [Uint8Array.of(10, 9, 0, 53)],
      domains: ['example.net'],
    };
    const up = after(UNTRIED, configured, ESTABLISHED);
    expect(up.assigned).toEqual({ addresses: ['10.9.0.2'], dns: ['10.9.0.53'], domains: ['example.net'] });
    expect(after(up, CLOSED).assigned).toBeUndefined();
    expect(after(up, SILENT).assigned).toBeUndefined();
  });
});
