import { parseArgs } from 'node:util';
import type { Policy } from '@weft/contracts/rest';
import { Api } from '../test/rest/support/api.js';
import { meshDocument } from './mesh-document.js';

/**
 * What a tenant of one size costs a controller with a Postgres of its own, all in one machine and the controller in this process.
 * Milliseconds of wall time; "publication" is until what every edge should run is stored and in memory.
 */
interface PublicationFigures {
  readonly sites: number;
  readonly rules: number;
  readonly importMs: number;
  /** The first draft is compiled, proven, and written for every edge, since there is nothing before it. */
  readonly draftMs: number;
  readonly publicationMs: number;
  readonly editedDraftMs: number;
  readonly editedPublicationMs: number;
  /** Edges that the edit of one rule gives another bundle. */
  readonly editedEdges: number;
  /** A page of a hundred tunnels, the first time. */
  readonly tunnelsMs: number;
  /** The longest that the event loop did not get a turn. */
  readonly blockedMs: number;
  /** Of the process, compiler thread included. */
  readonly peakMiB: number;
}

/** `npm run bench:publication [-- --sites N] [--rules N] [--json]`. `--json` adds the figures as an object in the last line. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, sites: { type: 'string', default: '300' }, rules: { type: 'string' } },
  });
  const sites = Number(values.sites);
  const figures = await measure(sites, Number(values.rules ?? 2 * sites));
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(20)} ${value}\n`);
  if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`);
}

async function measure(sites: number, rules: number): Promise<PublicationFigures> {
  const api = await Api.start();
  const loop = watchLoop();
  try {
    const document = meshDocument(sites, rules);
    const importMs = await timed(() => answered(api.send('POST', '/configuration/import', document)));
    const draftMs = await timed(() => answered(api.fetch(api.path('/revisions/draft'))));
    const publicationMs = await timed(() => published(api, sites));
    await editOneRule(api);
    let draft: { readonly affectedEdges?: readonly unknown[] } = {};
    const editedDraftMs = await timed(async () => {
      draft = await answered(api.fetch(api.path('/revisions/draft')));
    });
    const editedPublicationMs = await timed(() => published(api, sites));
    const tunnelsMs = await timed(() => answered(api.fetch(api.path('/tunnels?limit=100'))));
    return {
      sites,
      rules,
      importMs,
      draftMs,
      publicationMs,
      editedDraftMs,
      editedPublicationMs,
      editedEdges: draft.affectedEdges?.length ?? 0,
      tunnelsMs,
      blockedMs: loop.stop(),
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    loop.stop();
    await api.stop();
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return Math.round(performance.now() - start);
}

async function answered<Answer>(request: Promise<Response>): Promise<Answer> {
  const response = await request;
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${text.slice(0, 1000)}`);
  return JSON.parse(text) as Answer;
}

/** Publishes the draft, and waits until it is desired of all edges. */
async function published(api: Api, edges: number): Promise<void> {
  const { revision } = await answered<{ readonly revision: { readonly number: number } }>(
    api.send('POST', '/revisions', { comment: 'bench' }),
  );
  for (;;) {
    const [row] = await api.controller.sql<{ stored: number }[]>`
      select count(*)::integer as stored from edge_bundles where revision = ${revision.number}`;
    if (row?.stored === edges) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

/** The second rule of the mesh, which is between two sites: another port. */
async function editOneRule(api: Api): Promise<void> {
  const { items } = await answered<{ readonly items: readonly Policy[] }>(api.fetch(api.path('/policies?limit=1')));
  const [policy] = items;
  if (policy === undefined) throw new Error('there is no policy');
  const rules = policy.rules.map(
    ({ id, name, action, enabled, sources, destinations, services, serviceIds }, index) => ({
      id,
      name,
      action,
      enabled,
      sources,
      destinations,
      serviceIds,
      services: index === 1 ? [{ protocol: 'tcp', ports: [{ first: 61_000, last: 61_000 }] }] : services,
    }),
  );
  await answered(api.send('PUT', `/policies/${policy.id}`, { name: policy.name, rules }, { 'if-match': '*' }));
}

/** How late a timer is at most, which is how long nothing else had a turn. */
function watchLoop(): { readonly stop: () => number } {
  let [last, worst] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - TICK_MILLISECONDS);
    last = now;
  }, TICK_MILLISECONDS);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.round(worst);
    },
  };
}

const POLL_MILLISECONDS = 20;
const TICK_MILLISECONDS = 10;

await main();
