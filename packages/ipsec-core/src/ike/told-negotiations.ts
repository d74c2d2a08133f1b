import type { Negotiation } from './history/history.js';
import type { Lineage } from './lineage.js';

/**
 * How each negotiation stands and came there. Of those that nobody has proved anything in, a few of each connection: anybody
 * may begin as many as he likes. None of strangers, whose connection is not known.
 */
export function toldNegotiations(lineages: Iterable<Lineage>): readonly Negotiation[] {
  const unproved = new Map<string, number>();
  const isTold = ({ stranger, establishedAt, initiator, connection: { name } }: Lineage): boolean => {
    if (establishedAt !== undefined || initiator === 'us') return true;
    if (stranger) return false;
    const count = unproved.get(name) ?? 0;
    unproved.set(name, count + 1);
    return count < UNPROVED_TOLD;
  };
  return [...lineages].filter(isTold).map(({ connection, current, history }) => ({
    connection: connection.name,
    role: current.role,
    state: current.state.name,
    history: history.snapshot(),
  }));
}

const UNPROVED_TOLD = 4;
