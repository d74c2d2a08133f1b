import type { Secret } from '../../bytes/secret.js';
import type { InitiatedKeyExchange } from '../../crypto/ike/key-exchange/key-exchange.js';
import { type IkeSuite, ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import { compareNonces, lowerNonce } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { isReservedSpi, isSelectionOf } from '../negotiation.js';
import type { Purpose } from '../purpose.js';
import { TEMPORARY_FAILURE_RETRY } from '../timers.js';
import { absorbToken, sendCrashToken } from './auth-notifies.js';
import { breakOff } from './close.js';
import { exchangeFurther } from './followup.js';
import { adoptRival, secureSuccessor, settleIkeRekey } from './ike-succession.js';
import {
  finishShare,
  firstMethod,
  type InvalidShare,
  makeNonce,
  makeShareFor,
  offersMethod,
  wantedMethod,
} from './key-shares.js';
import { pause } from './lifetimes.js';
import { find, findError } from './payload-access.js';
import { refusalOf } from './refused-offer.js';
import { rekeyRefused } from './refused-rekey.js';
import { refusedForNow } from './temporary-failure.js';

/** Replaces the IKE SA (RFC 7296 sections 1.3.2 and 2.18). */
export function requestIkeRekey(lineage: Lineage, now: number): void {
  const run = (sa: IkeSa, at: number) => {
    // The peer has begun to replace it: what it finishes is the successor.
    if (sa.pending?.about === 'ike') return;
    const method = firstMethod(lineage.connection.proposals) ?? sa.keys.suite.keyExchange;
    begin(sa, { method, attempt: 0, purpose: { kind: 'rekey-ike', rival: undefined, further: false } }, at);
  };
  lineage.enqueue({ key: 'rekey-ike', run }, now);
}

interface RekeyAttempt {
  readonly method: number;
  readonly attempt: number;
  readonly purpose: Purpose & { kind: 'rekey-ike' };
}

/** What was made for one request, and is given back when nothing comes of it. */
interface Offer {
  readonly proposals: readonly (readonly Transform[])[];
  readonly successor: IkeSa;
  readonly share: InitiatedKeyExchange;
  readonly nonce: Uint8Array;
}

/** Makes a share, which may take the host a while, and sends the request: unless the peer was faster, and has replaced it. */
function begin(sa: IkeSa, attempt: RekeyAttempt, now: number): void {
  const { purpose, method } = attempt;
  const done = (share: InitiatedKeyExchange | InvalidShare, later: number) => {
    if ('invalid' in share) tryLater(sa.lineage, later);
    else if (purpose.rival === undefined || attempt.attempt > 0) send(sa, attempt, share, later);
    else {
      share.discard();
      adoptRival(sa, purpose.rival, later);
    }
  };
  makeShareFor(sa, method, { purpose }, done, now);
}

function send(sa: IkeSa, attempt: RekeyAttempt, share: InitiatedKeyExchange, now: number): void {
  const { host, lineage } = sa;
  const { method, purpose } = attempt;
  const { proposals } = lineage.connection;
  const successor = lineage.beget('initiator', new Uint8Array(8), { name: 'awaiting-rekey-response' });
  const made: Offer = {
    proposals,
    successor,
    share,
    nonce: makeNonce(host),
  };
  const numbered = proposals.map((transforms, index) => ({
    number: index + 1,
    protocol: PROTOCOL.IKE,
    spi: successor.localSpi,
    transforms,
  }));
  const payloads: Payload[] = [
    { kind: 'SA', proposals: numbered },
    { kind: 'Nonce', data: made.nonce },
    { kind: 'KE', method, data: share.publicValue },
  ];
  const onResponse = (response: readonly Payload[], later: number) => {
    const error = findError(response);
    if (error === undefined) {
      receive(sa, attempt, made, response, later);
      return;
    }
    abandon(made, later);
    const wanted = wantedMethod(response);
    const again = wanted !== undefined && wanted !== method && attempt.attempt < MAXIMUM_RETRIES;
    if (again && offersMethod(proposals, wanted)) {
      begin(sa, { ...attempt, method: wanted, attempt: attempt.attempt + 1 }, later);
    } else refused(sa, purpose, error, later);
  };
  const give = (at: number) => abandon(made, at);
  const exchange = EXCHANGE.CREATE_CHILD_SA;
  sa.request({ purpose, exchange, payloads, onResponse, abandon: give, share }, now);
}

function receive(sa: IkeSa, attempt: RekeyAttempt, made: Offer, response: readonly Payload[], now: number): void {
  const { lineage } = sa;
  const { purpose } = attempt;
  const { successor } = made;
  const granted = accept(attempt, made, response);
  if (granted === undefined) {
    abandon(made, now);
    breakOff(lineage, { code: 'invalid_message', detail: 'the answer is not one that our offer allows' }, now);
    return;
  }
  const { suite, shared, nonces } = granted;
  const lowestNonce = lowerNonce(nonces.initiator, nonces.responder);
  const give = (at: number) => {
    shared.wipe();
    abandon(made, at);
  };
  const loses = purpose.rival !== undefined && compareNonces(lowestNonce, purpose.rival.lowestNonce) < 0;
  if (suite.additionalKeyExchanges.length > 0 && loses) {
    // There is no SA yet that would have to be deleted: the loser does not go on.
    give(now);
    sa.note({ kind: 'rekey-lost', of: 'ike' }, now);
    if (purpose.rival !== undefined) adoptRival(sa, purpose.rival, now);
    return;
  }
  const further = {
    purpose,
    methods: suite.additionalKeyExchanges,
    answer: response,
    done: (additional: readonly Secret[], at: number) => {
      lineage.refusedSince = undefined;
      lineage.rekeyRefusals = 0;
      successor.peerSpi = granted.peerSpi;
      secureSuccessor(sa, successor, suite, shared, additional, nonces);
      absorbToken(successor, response);
      settleIkeRekey(sa, successor, { rival: purpose.rival, lowestNonce }, at);
      if (lineage.current === successor) sendCrashToken(successor, at);
    },
    failed: (error: string | undefined, at: number) => {
      give(at);
      if (error === undefined) breakOff(lineage, { code: 'invalid_message', detail: 'no link to go on with' }, at);
      else refused(sa, purpose, error, at);
    },
    abandon: give,
  };
  purpose.further = suite.additionalKeyExchanges.length > 0;
  exchangeFurther(sa, further, now);
}

interface Granted {
  readonly peerSpi: Uint8Array;
  readonly suite: IkeSuite;
  readonly shared: Secret;
  readonly nonces: { readonly initiator: Uint8Array; readonly responder: Uint8Array };
}

function accept({ method }: RekeyAttempt, made: Offer, response: readonly Payload[]): Granted | undefined {
  const answer = find(response, 'SA');
  const proposal = answer?.proposals.length === 1 ? answer.proposals[0] : undefined;
  const [responder, ke] = [find(response, 'Nonce')?.data, find(response, 'KE')];
  const offered = made.proposals[(proposal?.number ?? 0) - 1];
  const suite = proposal === undefined ? undefined : ikeSuiteOf(proposal.transforms);
  if (proposal?.spi.length !== 8 || offered === undefined || !isSelectionOf(proposal.transforms, offered))
    return undefined;
  if (isReservedSpi(proposal.spi)) return undefined;
  if (suite === undefined || responder === undefined || ke?.method !== method || suite.keyExchange !== method) {
    return undefined;
  }
  const shared = finishShare(made.share, ke.data);
  if ('invalid' in shared) return undefined;
  return { peerSpi: proposal.spi, suite, shared, nonces: { initiator: made.nonce, responder } };
}

function abandon({ share, successor }: Offer, now: number): void {
  share.discard();
  successor.shut(now);
}

function tryLater({ timers, host }: Lineage, now: number): void {
  timers.set('rekey-ike', now + pause(host, TEMPORARY_FAILURE_RETRY));
}

function refused(sa: IkeSa, { rival }: Purpose & { kind: 'rekey-ike' }, error: string, now: number): void {
  const { lineage } = sa;
  // Section 2.8.2: the peer has finished its rekey without noticing ours, and closes the SA that ours was about.
  if (rival?.successor !== undefined) {
    adoptRival(sa, rival, now);
    return;
  }
  // STATE_NOT_FOUND: it has waited too long for a key share (RFC 9370 section 2.2.4); from the beginning, then.
  if (error === 'TEMPORARY_FAILURE' || error === 'STATE_NOT_FOUND') {
    if (!refusedForNow(lineage, now)) tryLater(lineage, now);
    return;
  }
  lineage.timers.set('rekey-ike', now + lineage.connection.lifetime / 10);
  sa.note({ kind: 'rekey-refused', reason: refusalOf(error, 'CREATE_CHILD_SA', lineage.connection) }, now);
  rekeyRefused(lineage, ++lineage.rekeyRefusals, error, now);
}

const MAXIMUM_RETRIES = 3;
