import type { EdgeEvent, EventStreamEnd, EventStreamGap, FabricEvent } from '@weft/contracts/rest';
import type { Connection } from '../api/connection.js';
import { type EventSource, followEvents } from '../api/event-stream.js';
import { readPages } from '../api/pages.js';
import { type Io, note, print, printJson } from '../cli/io.js';
import { withProgress } from '../output/progress.js';
import { printable, renderTable } from '../output/table.js';
import { EXIT_OK, EXIT_REFUSED, type ExitCode } from '../platform/exit-code.js';

export interface FollowOptions {
  /** One event in JSON on each line. */
  readonly json: boolean;
  /** Id of the last event that was seen; undefined: begin with what comes. */
  readonly after: string | undefined;
  /** Enough; undefined: there is never enough. */
  readonly count: number | undefined;
}

/** `weft events --follow`: what happens, as it happens, and what happened while the stream was cut off. */
export async function printEvents(io: Io, source: EventSource, options: FollowOptions): Promise<ExitCode> {
  let printed = 0;
  const again = (why: string) => note(io, `weft: ${printable(why)}; coming back`);
  for await (const { name, data } of followEvents(source, options.after, again)) {
    if (name === 'gap') note(io, renderGap(JSON.parse(data) as EventStreamGap));
    else if (name === 'end') {
      const { reason } = JSON.parse(data) as EventStreamEnd;
      if (COMES_BACK.has(reason)) continue;
      note(io, `weft: the controller ends the stream: ${printable(reason)}`);
      return EXIT_REFUSED;
    } else if (name === 'message') {
      print(io, options.json ? data : renderEvent(JSON.parse(data) as FabricEvent));
      printed += 1;
      if (printed === options.count) return EXIT_OK;
    }
  }
  return EXIT_OK;
}

/** `weft events`: what edges told of themselves, the newest first, as many as are wanted and there are. */
export async function listEvents(
  io: Io,
  connection: Connection,
  options: { readonly json: boolean; readonly limit: number },
): Promise<ExitCode> {
  const items = await withProgress(io.notes, 'reading events', readNewest(connection, options.limit));
  if (options.json) printJson(io, { items });
  else print(io, renderTable(['id', 'occurred', 'edge', 'kind', 'about'], items.map(cellsOf)));
  return EXIT_OK;
}

async function readNewest({ client, tenantId }: Connection, limit: number): Promise<EdgeEvent[]> {
  const all: EdgeEvent[] = [];
  const query = { limit: Math.min(limit, PAGE) };
  for await (const { items } of readPages(client, tenantId, '/api/v1/tenants/{tenantId}/events', query)) {
    all.push(...items);
    if (all.length >= limit) break;
  }
  return all.slice(0, limit);
}

function cellsOf({ id, occurredAt, edgeName, kind, cause, detail, count }: EdgeEvent): string[] {
  const about = [cause, detail, count === null ? null : `(${count})`].filter((part) => part !== null);
  return [id, occurredAt, edgeName ?? '-', kind, about.join('  ')];
}

/** Pure. */
export function renderEvent({
  id,
  type,
  occurredAt,
  edgeName,
  revision,
  actor,
  cause,
  detail,
  count,
}: FabricEvent): string {
  const about = [
    edgeName,
    revision === null ? null : `revision ${revision}`,
    actor === null ? null : `by ${actor}`,
    cause,
    detail,
    count === null ? null : `(${count})`,
  ].filter((part) => part !== null);
  return printable([occurredAt, id, type, ...about].join('  '));
}

function renderGap({ reason, missed }: EventStreamGap): string {
  const many = missed === null ? 'events' : `${missed} events`;
  return `weft: ${many} are missing (${printable(reason)}): read the state anew`;
}

/** What the controller ends a stream with that may be opened again (docs/api.md, "What happens, as it happens"). */
const COMES_BACK: ReadonlySet<string> = new Set(['shutting_down', 'too_slow', 'access_unconfirmed', 'internal_error']);

/** What the controller gives at once. */
const PAGE = 200;
