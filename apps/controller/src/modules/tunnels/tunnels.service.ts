import { Injectable } from '@nestjs/common';
import type { TunnelEndState, TunnelState } from '../../observations/tunnel-state.js';
import { TunnelStates } from '../../observations/tunnel-states.js';
import { Database } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/database/page-request.js';
import { type Page, pageOf } from '../../platform/http/page.js';
import type { Tunnel, TunnelEnd } from './tunnel.dto.js';
import { type EdgeNames, TunnelsRepository } from './tunnels.repository.js';

@Injectable()
export class TunnelsService {
  readonly #database: Database;
  readonly #repository: TunnelsRepository;
  readonly #states: TunnelStates;

  constructor(database: Database, repository: TunnelsRepository, states: TunnelStates) {
    this.#database = database;
    this.#repository = repository;
    this.#states = states;
  }

  /** Tunnels whose edges both exist; one that was removed since the revision has no name to show it by. */
  async list(tenantId: string, page: PageRequest): Promise<Page<Tunnel>> {
    const names = await this.#repository.edgeNames(this.#database.sql, tenantId);
    const byEdge = new Map(names.map((edge) => [edge.edgeId, edge]));
    const [after] = page.after ?? [];
    const items: Tunnel[] = [];
    for (const state of this.#states.list(tenantId, after?.value)) {
      // One more than a page has says that there is another page.
      if (items.length > page.limit) break;
      items.push(...tunnelOf(state, byEdge));
    }
    return pageOf(page, { items, keyOf: ({ id }) => [id] });
  }
}

function tunnelOf(state: TunnelState, byEdge: ReadonlyMap<string, EdgeNames>): Tunnel[] {
  const edges = state.ends.flatMap((end) => endOf(end, byEdge.get(end.edgeId)));
  if (edges.length < state.ends.length) return [];
  const { tunnelId: id, ends: _ends, keyExchange, ...rest } = state;
  const methods = keyExchange === null ? null : { ...keyExchange, methods: [...keyExchange.methods] };
  return [{ id, ...rest, keyExchange: methods, edges }];
}

function endOf(end: TunnelEndState, names: EdgeNames | undefined): TunnelEnd[] {
  return names === undefined ? [] : [{ ...end, ...names, lastReceivedAt: end.lastReceivedAt?.toISOString() ?? null }];
}
