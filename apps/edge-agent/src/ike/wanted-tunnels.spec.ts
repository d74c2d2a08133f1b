import type { Connection, ConnectionEvent } from '@weft/ipsec-core/ike';
import { describe, expect, it } from 'vitest';
import { AWAITED } from './tunnel-start.js';
import { WantedTunnels } from './wanted-tunnels.js';

const ADDRESS = Uint8Array.of(192, 0, 2, 2);
const named = (name: string, [own, other]: readonly [string, string]): Connection => ({
  name,
  local: { address: Uint8Array.of(192, 0, 2, 1), port: 4500 },
  remote: { kind: 'roaming', endpoint: { address: ADDRESS, port: 4500 } },
  localIdentity: { type: 2, data: Buffer.from(own) },
  remoteIdentity: { type: 2, data: Buffer.from(other) },
  localAuthentication: { kind: 'signature', credentials: [] },
  remoteAuthentication: { kind: 'signature' },
  proposals: [],
  children: [],
  lifetime: 1000,
  livenessInterval: 1000,
  fragmentSize: 1200,
});
const FIRST = named('t', ['a', 'b']);
const SECOND = named('t', ['b', 'a']);
const history = { entries: [], omitted: 0 };
const SILENT = { kind: 'ike-failed', connection: 't', reason: { code: 'peer_silent' }, history } as const;
const UP: ConnectionEvent = { kind: 'ike-established', connection: 't', keyExchangeMethods: [31], postQuantum: [] };
const CHILD_GONE: ConnectionEvent = { kind: 'child-closed', connection: 't', child: 't', inboundSpi: 256, by: 'peer' };

/** A clock that the test moves, and what was tried when. */
function setUp() {
  let now = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const tried: string[] = [];
  const tunnels = new WantedTunnels({
    attempt: (tunnelId, wants) => tried.push(`${now} ${tunnelId} ${wants}`),
    clock: () => now,
    after: (milliseconds, run) => {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    random: () => 0.5,
  });
  const until = (end: number) => {
    for (;;) {
      const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      timers = timers.filter((other) => other !== next);
      now = next.at;
      next.run();
    }
    now = end;
  };
  return { tunnels, tried, until, waiting: () => timers.length };
}

describe('Wanted tunnels', () => {
  it('are begun by the end with the lower name, and by the other one if nothing came of it', () => {
    const [first, second] = [setUp(), setUp()];
    first.tunnels.want(FIRST, undefined);
    second.tunnels.want(SECOND, undefined);
    first.until(5000);
    second.until(5000);
    expect([first.tried, second.tried]).toEqual([['100 t ike'], ['2100 t ike']]);
  });

  it('are tried again after growing pauses, and for what they lack', () => {
    const { tunnels, tried, until } = setUp();
    tunnels.want(FIRST, undefined);
    until(1000);
    const pauses = Array.from({ length: 4 }, (_, index) => {
      const at = (index + 1) * 1_000_000;
      until(at);
      tunnels.take(SILENT);
      until(at + 999_999);
      return Number(tried.at(-1)?.split(' ')[0]) - at;
    });
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(new Set(pauses).size).toBe(4);
    tunnels.take(UP);
    tunnels.take(CHILD_GONE);
    until(6_000_000);
    expect(tried.at(-1)).toMatch(/ t child$/);
  });

  it('are tried when it is time, however often somebody pretends to be their peer', () => {
    const { tunnels, tried, until } = setUp();
    tunnels.want(FIRST, undefined);
    for (let attempt = 0; attempt < 10; attempt++) {
      tunnels.take({ ...SILENT, kind: 'ike-attempt-failed' });
      until(10 * (attempt + 1));
    }
    until(100);
    expect(tried).toEqual(['100 t ike']);
    expect(tunnels.get('t')?.state).toMatchObject({ failures: 0, failuresByCause: { peer_silent: 10 } });
  });

  it('do not wait when traffic or their peer asks for them, but are not tried again and again for that', () => {
    const { tunnels, tried, until, waiting } = setUp();
    tunnels.want(FIRST, undefined);
    for (let failures = 0; failures < 20; failures++) tunnels.take(SILENT);
    until(100);
    expect(tried).toEqual([]);
    for (let packet = 0; packet < 50; packet++) tunnels.hurry('t');
    tunnels.hurry('unknown');
    until(101);
    expect(tried).toEqual(['100 t ike']);
    tunnels.take(SILENT);
    for (let packet = 0; packet < 50; packet++) tunnels.hurryPeer({ address: ADDRESS, port: 1 });
    until(5099);
    expect(tried).toHaveLength(1);
    until(5100);
    tunnels.hurryPeer({ address: Uint8Array.of(192, 0, 2, 9), port: 4500 });
    until(5101);
    expect(tried).toHaveLength(1);
    tunnels.hurryPeer({ address: ADDRESS, port: 1 });
    until(5102);
    expect(tried).toEqual(['100 t ike', '5101 t ike']);
    tunnels.take(UP);
    tunnels.hurry('t');
    until(20_000);
    expect([tried.length, waiting()]).toEqual([2, 0]);
  });

  it('that are no longer wanted are not tried, and those that stay go on as they stand', () => {
    const { tunnels, tried, until, waiting } = setUp();
    tunnels.want(FIRST, undefined);
    tunnels.want({ ...FIRST, name: 'u' }, undefined);
    tunnels.take(UP);
    const protection = { tunnelId: 't', replayWindow: 64, hardLifetime: 1, mode: 'tunnel' } as const;
    tunnels.want(FIRST, protection);
    expect(tunnels.keepOnly(new Set(['t']))).toEqual(['u']);
    expect(tunnels.get('t')).toMatchObject({ protection, state: { established: true } });
    expect(tunnels.take({ ...UP, connection: 'u' })).toBeUndefined();
    until(10_000);
    expect([tried, waiting()]).toEqual([[], 0]);
  });

  describe('that are trapped', () => {
    const TRAP = { kind: 'trap', idle: 60_000 } as const;

    it('are begun by traffic alone: not by a bundle, nor because they are lost or idle', () => {
      const { tunnels, tried, until, waiting } = setUp();
      tunnels.want(FIRST, undefined, TRAP);
      until(600_000);
      expect([tried, waiting()]).toEqual([[], 0]);
      tunnels.hurry('t');
      until(600_000);
      expect(tried).toEqual(['600000 t ike']);
      tunnels.take(UP);
      tunnels.take({ kind: 'ike-closed', connection: 't', by: 'peer' } as ConnectionEvent);
      until(1_200_000);
      expect([tried, waiting()]).toEqual([['600000 t ike'], 0]);
      tunnels.hurry('t');
      until(1_200_000);
      expect(tried).toEqual(['600000 t ike', '1200000 t ike']);
    });

    it('are not tried again by themselves when the peer is silent, but as often as traffic asks', () => {
      const { tunnels, tried, until } = setUp();
      tunnels.want(FIRST, undefined, TRAP);
      tunnels.hurry('t');
      until(0);
      tunnels.take(SILENT);
      until(30_000);
      expect(tried).toEqual(['0 t ike']);
      tunnels.hurry('t');
      until(30_000);
      expect(tried).toEqual(['0 t ike', '30000 t ike']);
    });

    it('wait again when the peer of one that was up is lost, and have failed when an attempt that was asked for did', () => {
      const { tunnels } = setUp();
      tunnels.want(FIRST, undefined, TRAP);
      tunnels.hurry('t');
      tunnels.take(UP);
      tunnels.take(SILENT);
      expect(tunnels.get('t')?.state).toMatchObject({ established: false, failure: undefined, wants: 'ike' });
      expect(tunnels.get('t')?.state.failuresByCause).toEqual({ peer_silent: 1 });
      tunnels.take(SILENT);
      expect(tunnels.get('t')?.state.failure).toEqual(expect.any(String));
    });

    it('go on as they stand when the choice changes: what is up stays, what waits for its time begins or is left', () => {
      const { tunnels, tried, until, waiting } = setUp();
      tunnels.want(FIRST, undefined);
      tunnels.want(FIRST, undefined, TRAP);
      until(60_000);
      expect([tried, waiting()]).toEqual([[], 0]);
      tunnels.want(FIRST, undefined);
      until(120_000);
      expect(tried).toHaveLength(1);
      tunnels.take(UP);
      tunnels.want(FIRST, undefined, TRAP);
      tunnels.want(FIRST, undefined);
      until(180_000);
      expect([tried.length, waiting()]).toEqual([1, 0]);
    });
  });

  describe('with a host that is awaited', () => {
    const REFUSED = {
      ...SILENT,
      kind: 'ike-attempt-failed',
      reason: { code: 'authentication_failed', detail: 'no' },
    } as const;
    const NOT_ASKED = {
      kind: 'child-failed',
      connection: 't',
      child: 't',
      reason: { code: 'configuration_required' },
    } as const;

    it('are begun by nothing here, and do not fail when the host is away, or somebody else says to be it', () => {
      const { tunnels, tried, until, waiting } = setUp();
      tunnels.want(FIRST, undefined, AWAITED);
      tunnels.hurry('t');
      tunnels.hurryPeer({ address: ADDRESS, port: 1 });
      tunnels.take(REFUSED);
      until(600_000);
      tunnels.take(UP);
      tunnels.take(CHILD_GONE);
      tunnels.hurry('t');
      tunnels.take(SILENT);
      tunnels.hurry('t');
      until(1_200_000);
      expect([tried, waiting()]).toEqual([[], 0]);
      expect(tunnels.get('t')?.state).toMatchObject({
        established: false,
        failure: undefined,
        refusal: undefined,
        failuresByCause: { authentication_failed: 1, peer_silent: 1 },
      });
    });

    it('say what is wrong with the host while it is there, whoever else says to be it', () => {
      const { tunnels } = setUp();
      tunnels.want(FIRST, undefined, AWAITED);
      tunnels.take(NOT_ASKED);
      tunnels.take(UP);
      const failure = tunnels.get('t')?.state.failure;
      expect(failure).toEqual(expect.any(String));
      tunnels.take(REFUSED);
      const refusal = expect.stringContaining('no');
      expect(tunnels.get('t')?.state).toMatchObject({ established: true, failure, refusal });
      tunnels.take({ kind: 'ike-closed', connection: 't', by: 'peer', history });
      expect(tunnels.get('t')?.state).toMatchObject({ established: false, failure: undefined });
    });
  });
});
