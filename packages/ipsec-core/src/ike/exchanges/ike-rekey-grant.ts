import type { Secret } from '../../bytes/secret.js';
import { ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { lowerNonce } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import { negotiate, proposalOf } from '../negotiation.js';
import { crashToken } from './auth-notifies.js';
import { answerTo } from './collisions.js';
import { awaitFurther, dropPending } from './followup.js';
import { secureSuccessor, succeed } from './ike-succession.js';
import { answerOrBreak } from './invalid-syntax.js';
import { answerShare, invalidKe, makeNonce } from './key-shares.js';
import { find } from './payload-access.js';

/** The peer replaces the IKE SA. While ours is under way too, both are made, and their nonces decide (section 2.8.2). */
export function respondIkeRekey(sa: IkeSa, payloads: readonly Payload[], now: number): void {
  dropPending(sa, now);
  const own = sa.underway?.kind === 'rekey-ike' ? sa.underway : undefined;
  const { answer, granted } = answerIkeRekey(sa, own?.rival !== undefined, payloads, now);
  if (granted === undefined) {
    answerOrBreak(sa, answer, now);
    return;
  }
  if (own !== undefined) own.rival = { successor: undefined, lowestNonce: granted.lowestNonce };
  if (granted.methods.length === 0) {
    granted.secure([]);
    sa.respond(EXCHANGE.CREATE_CHILD_SA, answer, now);
    take(sa, granted, now);
    return;
  }
  const pending = {
    about: 'ike',
    methods: granted.methods,
    complete: (additional: readonly Secret[]) => {
      granted.secure(additional);
      return (at: number) => take(sa, granted, at);
    },
    abandon: (at: number) => {
      granted.forget(at);
      const purpose = sa.underway;
      if (purpose?.kind === 'rekey-ike' && purpose.rival?.successor === undefined) purpose.rival = undefined;
    },
  } as const;
  sa.respond(EXCHANGE.CREATE_CHILD_SA, [...answer, awaitFurther(sa, pending, now)], now);
}

/** The successor has its keys at both ends. It is in use at once, unless ours is under way as well. */
function take(sa: IkeSa, { successor, lowestNonce }: GrantedRekey, now: number): void {
  const own = sa.underway;
  if (own?.kind === 'rekey-ike') own.rival = { successor, lowestNonce };
  else succeed(sa, successor, now);
}

interface GrantedRekey {
  readonly successor: IkeSa;
  readonly lowestNonce: Uint8Array;
  readonly methods: readonly number[];
  secure(additional: readonly Secret[]): void;
  /** The peer did not go on. */
  forget(now: number): void;
}

interface Answer {
  readonly answer: readonly Payload[];
  readonly granted?: GrantedRekey;
}

function answerIkeRekey(sa: IkeSa, undecided: boolean, payloads: readonly Payload[], now: number): Answer {
  const { lineage, host } = sa;
  if (undecided || answerTo('rekey-ike', sa) === 'temporary_failure') return { answer: [notify('TEMPORARY_FAILURE')] };
  const [offer, ke, nonce] = [find(payloads, 'SA'), find(payloads, 'KE'), find(payloads, 'Nonce')?.data];
  const outcome = negotiate(offer?.proposals ?? [], lineage.connection.proposals, PROTOCOL.IKE, 8);
  const suite = outcome.ok ? ikeSuiteOf(outcome.transforms) : undefined;
  if (!outcome.ok || suite === undefined || ke === undefined || nonce === undefined) {
    const reason = { code: 'no_proposal_chosen', refusals: outcome.ok ? [] : outcome.refusals } as const;
    sa.note({ kind: 'rekey-refused', reason }, now);
    return { answer: [notify('NO_PROPOSAL_CHOSEN')] };
  }
  if (ke.method !== suite.keyExchange) return { answer: [invalidKe(suite.keyExchange)] };
  const share = answerShare(host, ke.method, ke.data);
  if ('invalid' in share) return { answer: [notify(share.refusal)] };
  const nonces = { initiator: nonce, responder: makeNonce(host) };
  const successor = lineage.beget('responder', outcome.proposal.spi, { name: 'awaiting-rekey-response' });
  const chosen = proposalOf(outcome.proposal, successor.localSpi, outcome.transforms);
  const answer: Payload[] = [
    { kind: 'SA', proposals: [chosen] },
    { kind: 'Nonce', data: nonces.responder },
    { kind: 'KE', method: ke.method, data: share.publicValue },
    ...crashToken(successor),
  ];
  const granted = {
    successor,
    lowestNonce: lowerNonce(nonces.initiator, nonces.responder),
    methods: suite.additionalKeyExchanges,
    secure: (additional: readonly Secret[]) => secureSuccessor(sa, successor, suite, share.shared, additional, nonces),
    forget: (at: number) => {
      share.shared.wipe();
      successor.shut(at);
    },
  };
  return { answer, granted };
}
