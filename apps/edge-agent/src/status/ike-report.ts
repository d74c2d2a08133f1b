import { explainHistory, historyTable, type NegotiationHistory, sequenceDiagram } from '@weft/ipsec-core/ike';
import { z } from 'zod';
import type { EdgeNegotiation } from '../ike/edge-negotiation.js';
import type { NegotiationState } from '../ike/negotiation-state.js';
import { keyExchangeNames, keysMadeWith } from './key-exchange-names.js';

const History = z.object({
  /** A state of the engine, or `ended`. */
  state: z.string(),
  entries: z.array(z.looseObject({ at: z.string(), sa: z.string(), kind: z.string() })),
  omitted: z.number(),
  /** For people: a line per entry. */
  table: z.string(),
  /** Mermaid source. */
  diagram: z.string(),
});

/** What `weft-edge ike` shows: how the tunnels that this edge keys itself came to be where they stand. */
export const IkeReport = z.object({
  tunnels: z.array(
    z.object({
      id: z.string(),
      peer: z.string(),
      established: z.boolean(),
      keyExchange: z.array(z.string()),
      /** A postquantum preshared key was mixed in (RFC 8784). */
      ppk: z.boolean(),
      failure: z.string().nullable(),
      /** Why somebody was refused last who said to be the peer and did not prove it; null after a success. */
      refusal: z.string().nullable(),
      failures: z.number(),
      rekeys: z.string(),
      assigned: z
        .object({ addresses: z.array(z.string()), dns: z.array(z.string()), domains: z.array(z.string()) })
        .nullable(),
      negotiations: z.array(History),
    }),
  ),
});
export type IkeReport = z.infer<typeof IkeReport>;

/** What `ikeReport` is made from. */
export interface IkeReportSources {
  /** This edge, as its peers call it. */
  readonly edgeName: string;
  /** Names of the peers, by tunnel. */
  readonly peers: ReadonlyMap<string, string>;
  readonly states: ReadonlyMap<string, NegotiationState>;
  readonly negotiations: ReadonlyMap<string, readonly EdgeNegotiation[]>;
  /** Wall-clock time of a moment of the engine's clock. */
  readonly wallClock: (at: number) => Date;
}

/** The report at one moment. Pure. */
export function ikeReport({ edgeName, peers, states, negotiations, wallClock }: IkeReportSources): IkeReport {
  return {
    tunnels: [...states].map(([id, state]) => {
      const peer = peers.get(id) ?? id;
      return {
        id,
        peer,
        established: state.established,
        keyExchange: keyExchangeNames(state.keyExchangeMethods),
        ppk: state.ppk,
        failure: state.failure ?? null,
        refusal: state.refusal ?? null,
        failures: state.failures,
        rekeys: String(state.rekeys),
        assigned: state.assigned ?? null,
        negotiations: (negotiations.get(id) ?? []).map((negotiation) => ({
          state: negotiation.state,
          ...explained(negotiation.history, { us: edgeName, peer }, wallClock),
        })),
      };
    }),
  };
}

/** The report as text, or as mermaid source. Pure. */
export function renderIkeReport({ tunnels }: IkeReport, form: 'table' | 'diagram'): string {
  if (tunnels.length === 0) return 'this edge keys no tunnel itself';
  return tunnels
    .flatMap(({ peer, established, keyExchange, ppk, failure, refusal, negotiations }) => {
      const keys = keyExchange.length === 0 ? '' : `, keys by ${keysMadeWith({ keyExchange, ppk })}`;
      const head = `${peer}: ${established ? 'established' : 'not established'}${keys}`;
      if (form === 'diagram') return negotiations.map(({ diagram }) => diagram);
      const parts = negotiations.map(({ state, table, omitted }) => {
        const left = omitted === 0 ? '' : `\n(${omitted} entries were left out)`;
        return `${state}\n${table}${left}`;
      });
      const refused =
        refusal === null || refusal === failure ? [] : [`somebody who says to be it was refused: ${refusal}`];
      return [[head, ...(failure === null ? [] : [failure]), ...refused, ...parts].join('\n')];
    })
    .join('\n\n');
}

function explained(
  { entries, omitted }: NegotiationHistory,
  names: { readonly us: string; readonly peer: string },
  wallClock: (at: number) => Date,
): Omit<z.infer<typeof History>, 'state'> {
  const told = explainHistory(entries);
  return {
    entries: told.map((entry) => ({ ...entry, at: wallClock(entry.at).toISOString() })),
    omitted,
    table: historyTable(told),
    diagram: sequenceDiagram(told, names),
  };
}
