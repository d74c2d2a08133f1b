import { ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { lowerNonce } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import { negotiate } from '../negotiation.js';
import type { Rival } from '../purpose.js';
import { crashToken } from './auth-notifies.js';
import { answerTo } from './collisions.js';
import { rekeyProposals, secureSuccessor, succeed } from './ike-succession.js';
import { answerShare, invalidKe, makeNonce } from './key-shares.js';
import { find } from './payload-access.js';

/** The peer replaces the IKE SA. While ours is under way too, both are made, and their nonces decide (section 2.8.2). */
export function respondIkeRekey(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  const own = sa.underway?.kind === 'rekey-ike' ? sa.underway : undefined;
  const { answer, granted } = answerIkeRekey(sa, own?.rival !== undefined, payloads, now);
  sa.respond(EXCHANGE.CREATE_CHILD_SA, answer, now);
  if (granted === undefined) return;
  if (own === undefined) succeed(sa, granted.successor, now);
  else own.rival = granted;
}

interface Answer {
  readonly answer: readonly Payload[];
  readonly granted?: Rival;
}

function answerIkeRekey(sa: IkeSa, undecided: boolean, payloads: readonly Payload[], now: number): Answer {
  const { lineage, host } = sa;
  if (undecided || answerTo('rekey-ike', sa) === 'temporary_failure') return { answer: [notify('TEMPORARY_FAILURE')] };
  const [offer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')?.data];
  const outcome = negotiate(offer?.proposals ?? [], rekeyProposals(lineage), PROTOCOL.IKE, 8);
  const suite = outcome.ok ? ikeSuiteOf(outcome.transforms) : undefined;
  if (!outcome.ok || suite === undefined || ke === undefined || nonce === undefined) {
    sa.note('local', 'rekey of the IKE SA refused', outcome.ok ? {} : { refusals: outcome.refusals }, now);
    return { answer: [notify('NO_PROPOSAL_CHOSEN')] };
  }
  if (ke.method !== suite.keyExchange) return { answer: [invalidKe(suite.keyExchange)] };
  const share = answerShare(host, ke.method, ke.data);
  if ('invalid' in share) return { answer: [notify('INVALID_SYNTAX')] };
  const ownNonce = makeNonce(host);
  const successor = lineage.beget('responder', outcome.proposal.spi, { name: 'established' });
  secureSuccessor(sa, successor, suite, share.shared, { initiator: nonce, responder: ownNonce });
  const chosen = { ...outcome.proposal, spi: successor.localSpi, transforms: outcome.transforms };
  const answer: Payload[] = [
    { kind: 'SA', proposals: [chosen] },
    { kind: 'Nonce', data: ownNonce },
    { kind: 'KE', method: ke.method, data: share.publicValue },
    ...crashToken(successor),
  ];
  return { answer, granted: { successor, lowestNonce: lowerNonce(nonce, ownNonce) } };
}
