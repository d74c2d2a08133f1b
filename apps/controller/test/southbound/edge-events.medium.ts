import type { EdgeEventList, EdgeEvent as ListedEvent } from '@weft/contracts/rest';
import { type EdgeEvent, EdgeEventKind } from '@weft/contracts/southbound';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EdgeEventsRepository, MOST_OF_AN_EDGE } from '../../src/observations/edge-events.repository.js';
import type { SqlExecutor } from '../../src/platform/database/connection-options.js';
import { Database } from '../../src/platform/database/database.js';
import { installationScope } from '../../src/platform/database/database-scope.js';
import { Api, makeTopology, problemOf } from '../rest/support/api.js';
import { EventReader } from '../rest/support/event-reader.js';
import { eventually } from '../support/patience.js';
import { TestFabric } from './fabric.js';
import { type Credentials, enrolled, ScriptedEdge } from './scripted-edge.js';

const TUNNEL = '44444444-4444-4444-8444-444444444444';

let api: Api;
let berlinId: string;
let tokyoId: string;
let credentials: { berlin: Credentials; tokyo: Credentials };
let berlin: ScriptedEdge;
let tokyo: ScriptedEdge;

beforeAll(async () => {
  api = await Api.start();
  const { berlinEdge, tokyoEdge } = await makeTopology(api);
  [berlinId, tokyoId] = [berlinEdge.id, tokyoEdge.id];
  credentials = {
    berlin: await enrolled(api.controller, api.tenantId, berlinId),
    tokyo: await enrolled(api.controller, api.tenantId, tokyoId),
  };
});
afterAll(() => api?.stop());

beforeEach(async () => {
  await inspect((sql) => sql`delete from edge_events`);
  berlin = await welcomed(new ScriptedEdge('berlin', credentials.berlin));
  tokyo = await welcomed(new ScriptedEdge('tokyo', credentials.tokyo));
  return () => {
    berlin.close();
    tokyo.close();
  };
});

const inspect = <T>(work: (sql: SqlExecutor) => Promise<T>) => {
  const database = api.controller.controller.application.get(Database);
  return database.within(installationScope('inspection'), () => database.transaction(work));
};
const list = async (query = '') => (await (await api.fetch(api.path(`/events${query}`))).json()) as EdgeEventList;
const event = (number: number, change: Partial<EdgeEvent> = {}): EdgeEvent => ({
  number: BigInt(number),
  occurredAt: new Date(1_700_000_000_000 + number),
  kind: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_UP,
  tunnelId: TUNNEL,
  cause: '',
  detail: '',
  count: undefined,
  ...change,
});
const shown = ({ items }: EdgeEventList) => items.map(({ edgeName, kind }: ListedEvent) => `${edgeName} ${kind}`);

/** Says them, and waits until they are stored. */
async function tell(edge: ScriptedEdge, ...events: EdgeEvent[]): Promise<void> {
  const before = edge.messages('eventsStored').length;
  edge.say({ $case: 'events', value: { events } });
  const answer = await edge.until(() => edge.messages('eventsStored')[before]);
  expect(answer.number).toBe(events.at(-1)?.number);
}

/** Connects it; a session of the same edge that has just ended may still be on its way out. */
async function welcomed(edge: ScriptedEdge): Promise<ScriptedEdge> {
  for (;;) {
    edge.connect(api.controller);
    const outcome = await edge.until(() => edge.ended ?? edge.messages('welcome')[0]);
    if (typeof outcome === 'object' && 'takesEvents' in outcome) {
      expect(outcome.takesEvents).toBe(true);
      return edge;
    }
    expect(outcome).toMatchObject({ details: expect.stringContaining('another instance') });
  }
}

describe('the events of an edge', () => {
  it('are listed, newest first, with all that the edge said', async () => {
    await tell(
      berlin,
      event(1, {
        kind: EdgeEventKind.EDGE_EVENT_KIND_IKE_FAILED,
        cause: 'no_proposal_chosen',
        detail: 'The peer takes none of the proposals.',
        count: 3n,
      }),
      event(2, { kind: EdgeEventKind.EDGE_EVENT_KIND_AGENT_STARTED, tunnelId: '' }),
      event(3, { kind: 99 as EdgeEventKind, count: 2n ** 64n - 1n }),
    );
    const { items, next } = await list();
    expect(next).toBeNull();
    expect(items).toMatchObject([
      { kind: 'unknown', count: Number.MAX_SAFE_INTEGER },
      { kind: 'agent_started', tunnelId: null, cause: null, detail: null, count: null },
      {
        edgeId: berlinId,
        edgeName: 'berlin-1',
        kind: 'ike_failed',
        occurredAt: new Date(1_700_000_000_001).toISOString(),
        tunnelId: TUNNEL,
        cause: 'no_proposal_chosen',
        detail: 'The peer takes none of the proposals.',
        count: 3,
      },
    ]);
  });

  it('are stored once, however often they are sent; another run of the agent has others', async () => {
    await tell(berlin, event(1), event(2));
    await tell(berlin, event(1), event(2), event(3));
    berlin.close();
    berlin = await welcomed(berlin);
    await tell(berlin, event(2), event(3), event(4, { kind: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_DOWN }));
    expect((await list()).items).toHaveLength(4);
    // The same number of another edge is another event.
    await tell(tokyo, event(1));
    berlin.close();
    for (;;) {
      berlin.connect(api.controller, { bootId: 'another boot' });
      if ((await berlin.until(() => berlin.ended ?? berlin.messages('welcome').length > 0)) === true) break;
    }
    await tell(berlin, event(1));
    expect(shown(await list())).toEqual([
      'berlin-1 tunnel_up',
      'tokyo-1 tunnel_up',
      'berlin-1 tunnel_down',
      'berlin-1 tunnel_up',
      'berlin-1 tunnel_up',
      'berlin-1 tunnel_up',
    ]);
  });

  it('can be asked for by edge, by kind, and page by page', async () => {
    const down = { kind: EdgeEventKind.EDGE_EVENT_KIND_TUNNEL_DOWN };
    await tell(berlin, event(1), event(2, down), event(3));
    await tell(tokyo, event(1, down));
    expect(shown(await list(`?edgeId=${tokyoId}`))).toEqual(['tokyo-1 tunnel_down']);
    expect(shown(await list('?kind=tunnel_down'))).toEqual(['tokyo-1 tunnel_down', 'berlin-1 tunnel_down']);
    expect(shown(await list(`?kind=tunnel_down&edgeId=${berlinId}`))).toEqual(['berlin-1 tunnel_down']);
    const first = await list('?limit=3');
    expect(first.items).toHaveLength(3);
    const second = await list(`?limit=3&before=${first.next}`);
    expect(second).toMatchObject({ next: null, items: [{ edgeName: 'berlin-1', kind: 'tunnel_up' }] });
    const ids = [...first.items, ...second.items].map(({ id }) => BigInt(id));
    expect(ids).toEqual([...ids].sort((left, right) => (left < right ? 1 : -1)));
    for (const query of ['?before=0', '?before=x', '?kind=party', '?limit=201', '?edgeId=x', '?more=1']) {
      expect([query, (await problemOf(await api.fetch(api.path(`/events${query}`)))).status]).toEqual([query, 422]);
    }
  });

  it('of another tenant are not shown', async () => {
    const stranger = new TestFabric();
    await stranger.seed(api.controller);
    const [strangerId] = stranger.edgeIds;
    const edge = new ScriptedEdge('stranger', await enrolled(api.controller, stranger.tenantId, strangerId));
    try {
      await welcomed(edge);
      await tell(edge, event(1));
    } finally {
      edge.close();
    }
    expect(await inspect((sql) => sql`select 1 from edge_events where edge_id = ${strangerId}`)).toHaveLength(1);
    expect((await list()).items).toEqual([]);
    expect((await list(`?edgeId=${strangerId}`)).items).toEqual([]);
  });

  it('are bounded: the oldest of an edge give way, and those of others stay', async () => {
    await tell(tokyo, event(1));
    const events = api.controller.controller.application.get(EdgeEventsRepository);
    const source = { tenantId: api.tenantId, edgeId: berlinId, bootId: 'flood' };
    const flood = Array.from({ length: MOST_OF_AN_EDGE + 30 }, (_, index) => event(index + 1));
    await inspect((sql) => events.store(sql, source, flood));
    const kept = await inspect(
      (sql) => sql<{ count: bigint; first: bigint }[]>`
      select count(*) as count, min(number) as first from edge_events where edge_id = ${berlinId}`,
    );
    expect(kept).toEqual([{ count: BigInt(MOST_OF_AN_EDGE), first: 31n }]);
    expect(shown(await list(`?edgeId=${tokyoId}`))).toEqual(['tokyo-1 tunnel_up']);
  });

  it('that are not as they should be end the session by name', async () => {
    berlin.say({ $case: 'events', value: { events: [event(2), event(1)] } });
    expect(await berlin.status()).toMatchObject({ details: expect.stringMatching(/^events\.events\[1\]\.number/) });
  });
});

describe('that an edge comes and goes', () => {
  it('is in the journal of its tenant, in order, with why', async () => {
    // That it is connected now may be on its way into the journal.
    await eventually(async () => {
      const [last] = await inspect(
        (sql) => sql`select type from fabric_events where edge_id = ${berlinId} order by sequence desc limit 1`,
      );
      expect(last).toEqual({ type: 'edge.connected' });
    });
    const reader = await EventReader.open(`${api.controller.url}${api.path('/events/stream')}`, { cookie: api.cookie });
    const connections = async (count: number) => {
      const told: unknown[] = [];
      while (told.length < count) {
        const [event] = await reader.take(1);
        const { type, edgeId, edgeName, cause } = event?.data ?? {};
        if (edgeId === berlinId && /^edge\.(dis)?connected$/.test(type)) told.push([type, edgeName, cause]);
      }
      return told;
    };
    try {
      berlin.close();
      expect((await connections(1)).at(-1)).toEqual(['edge.disconnected', 'berlin-1', 'stream_ended']);
      berlin = await welcomed(berlin);
      berlin.say({ $case: 'events', value: { events: [event(2), event(1)] } });
      expect(await connections(2)).toEqual([
        ['edge.connected', 'berlin-1', null],
        ['edge.disconnected', 'berlin-1', 'protocol_error'],
      ]);
    } finally {
      reader.close();
    }
  });
});
