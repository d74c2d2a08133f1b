import type { IkeHeader } from '../../wire/ike/header.js';
import { EXCHANGE, nameOf, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { checkPayloads } from '../../wire/ike/message-rules.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import { describe, type IkeWireProblem } from '../../wire/ike/wire-error.js';
import type { Connection } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { OpenedMessage } from '../protection.js';
import { type IkeState, STORIES } from '../states.js';
import { respondAuth } from './auth-responder.js';
import { respondCreateChildSa } from './child-grant.js';
import { respondFollowup } from './followup.js';
import { respondIntermediate } from './ike-intermediate.js';
import { respondInformational } from './informational.js';
import { prepareAnswer } from './key-shares.js';
import { find } from './payload-access.js';

/** An authentic request goes to its exchange, if its payloads are those of one and the state admits it. */
export function handleRequest(sa: IkeSa, message: OpenedMessage, now: number): void {
  const { header, payloads } = message;
  const violation = checkPayloads(header.exchange, 'request', payloads);
  if (violation !== undefined) {
    refuse(sa, header, JSON.stringify(violation), now);
    return;
  }
  const exchange = EXCHANGES[sa.state.name]?.[header.exchange];
  if (exchange !== undefined) withAnswer(sa, message, (later) => exchange(sa, message, later), now);
  else refuse(sa, header, `${nameOf(EXCHANGE, header.exchange)} for an IKE SA that ${STORIES[sa.state.name]}`, now);
}

/** A share of a method that we may choose and that takes long to answer is answered first; nothing is decided before. */
function withAnswer(sa: IkeSa, { payloads }: OpenedMessage, go: (now: number) => void, now: number): void {
  const { host, lineage } = sa;
  const ke = find(payloads, 'KE');
  if (ke === undefined || !host.keyExchange.costly.has(ke.method) || !mayChoose(lineage.connection, ke.method)) {
    go(now);
    return;
  }
  prepareAnswer(host, ke, (later) => {
    if (sa.state.name === 'closed') return;
    go(later);
    sa.takeHeldRequests(later);
  });
}

function mayChoose({ proposals, children }: Connection, method: number): boolean {
  const isOne = ({ type, id }: Transform) =>
    id === method && (type === TRANSFORM_TYPE.KE || type >= TRANSFORM_TYPE.ADDKE1);
  return [...proposals, ...children.flatMap((child) => child.proposals)].some((transforms) => transforms.some(isOne));
}

/** Section 2.5: an unknown critical payload is only refused, and named; everything else is a peer that breaks the grammar. */
export function refuseMalformed(sa: IkeSa, header: IkeHeader, problem: IkeWireProblem, now: number): void {
  if (problem.code !== 'unsupported_critical') {
    refuse(sa, header, describe(problem), now);
    return;
  }
  sa.respond(header.exchange, [notify('UNSUPPORTED_CRITICAL_PAYLOAD', Uint8Array.of(problem.payloadType))], now);
  // Section 2.21.2: in IKE_AUTH it causes "the IKE SA to be deleted or not created, without a Delete payload".
  if (sa.state.name === 'awaiting-auth-request') sa.refuse({ code: 'invalid_message', detail: describe(problem) }, now);
}

/** An authentic peer that breaks the grammar is told so, then given up (section 2.21.3). */
function refuse(sa: IkeSa, { exchange }: IkeHeader, detail: string, now: number): void {
  sa.respond(exchange, [notify('INVALID_SYNTAX')], now);
  sa.abort({ code: 'invalid_message', detail }, now);
}

type Exchange = (sa: IkeSa, message: OpenedMessage, now: number) => void;

const PROVED: Readonly<Record<number, Exchange>> = {
  [EXCHANGE.CREATE_CHILD_SA]: (sa, { payloads }, now) => respondCreateChildSa(sa, payloads, now),
  [EXCHANGE.IKE_FOLLOWUP_KE]: respondFollowup,
  [EXCHANGE.INFORMATIONAL]: (sa, { payloads }, now) => respondInformational(sa, payloads, now),
};

/** What a peer may ask, by the state of the IKE SA that it asks on. */
const EXCHANGES: Partial<Readonly<Record<IkeState['name'], Readonly<Record<number, Exchange>>>>> = {
  'awaiting-auth-request': {
    [EXCHANGE.IKE_INTERMEDIATE]: respondIntermediate,
    [EXCHANGE.IKE_AUTH]: respondAuth,
  },
  established: PROVED,
  replaced: PROVED,
  deleting: PROVED,
};
