import { ikeSuiteOf } from '../../crypto/ike/suite.js';
import { EXCHANGE, PROTOCOL } from '../../wire/ike/iana.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { lowerNonce } from '../child-sa.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import { isSelectionOf } from '../negotiation.js';
import type { Purpose } from '../purpose.js';
import { TEMPORARY_FAILURE_RETRY } from '../timers.js';
import { absorbToken, sendCrashToken } from './auth-notifies.js';
import { breakOff } from './close.js';
import { adoptRival, rekeyProposals, secureSuccessor, settleIkeRekey } from './ike-succession.js';
import { finishShare, firstMethod, makeNonce, offersMethod, wantedMethod } from './key-shares.js';
import { pause } from './lifetimes.js';
import { find, findError } from './payload-access.js';
import { refusedForNow } from './temporary-failure.js';

/** Replaces the IKE SA (RFC 7296 sections 1.3.2 and 2.18). */
export function requestIkeRekey(lineage: Lineage, now: number): void {
  const run = (sa: IkeSa, at: number) => {
    const proposals = rekeyProposals(lineage);
    send(sa, firstMethod(proposals) ?? sa.keys.suite.keyExchange, 0, { kind: 'rekey-ike', rival: undefined }, at);
  };
  lineage.enqueue({ key: 'rekey-ike', run }, now);
}

function send(sa: IkeSa, method: number, attempt: number, purpose: Purpose & { kind: 'rekey-ike' }, now: number): void {
  const { host, lineage } = sa;
  const proposals = rekeyProposals(lineage);
  const successor = lineage.beget('initiator', new Uint8Array(8), { name: 'awaiting-rekey-response' });
  const share = host.keyExchange.initiate(method, host.random);
  const nonce = makeNonce(host);
  const payloads: Payload[] = [
    {
      kind: 'SA',
      proposals: proposals.map((transforms, index) => ({
        number: index + 1,
        protocol: PROTOCOL.IKE,
        spi: successor.localSpi,
        transforms,
      })),
    },
    { kind: 'Nonce', data: nonce },
    { kind: 'KE', method, data: share.publicValue },
  ];
  const abandon = (at: number) => {
    share.discard();
    successor.shut(at);
  };
  const onResponse = (response: readonly Payload[], later: number) => {
    const error = findError(response);
    if (error !== undefined) {
      abandon(later);
      const wanted = wantedMethod(response);
      const again = wanted !== undefined && wanted !== method && attempt < MAXIMUM_RETRIES;
      if (again && offersMethod(proposals, wanted)) send(sa, wanted, attempt + 1, purpose, later);
      else refused(sa, purpose, error, later);
      return;
    }
    lineage.refusedSince = undefined;
    const proposal = find(response, 'SA')?.proposals[0];
    const [peerNonce, ke] = [find(response, 'Nonce')?.data, find(response, 'KE')];
    const offered = proposals[(proposal?.number ?? 0) - 1];
    const suite = proposal === undefined ? undefined : ikeSuiteOf(proposal.transforms);
    const allowed = proposal?.spi.length === 8 && offered !== undefined && isSelectionOf(proposal.transforms, offered);
    const agreed = allowed && ke?.method === method && suite?.keyExchange === method;
    const shared = agreed ? finishShare(share, ke.data) : undefined;
    if (
      suite === undefined ||
      peerNonce === undefined ||
      proposal === undefined ||
      shared === undefined ||
      'invalid' in shared
    ) {
      abandon(later);
      breakOff(lineage, { code: 'invalid_message', detail: 'the answer is not one that our offer allows' }, later);
      return;
    }
    successor.peerSpi = proposal.spi;
    secureSuccessor(sa, successor, suite, shared, { initiator: nonce, responder: peerNonce });
    absorbToken(successor, response);
    settleIkeRekey(sa, successor, { rival: purpose.rival, lowestNonce: lowerNonce(nonce, peerNonce) }, later);
    if (lineage.current === successor) sendCrashToken(successor, later);
  };
  sa.request({ purpose, exchange: EXCHANGE.CREATE_CHILD_SA, payloads, onResponse, abandon }, now);
}

function refused(sa: IkeSa, { rival }: Purpose & { kind: 'rekey-ike' }, error: string, now: number): void {
  const { lineage, host } = sa;
  // Section 2.8.2: the peer has finished its rekey without noticing ours, and closes the SA that ours was about.
  if (rival !== undefined) {
    adoptRival(sa, rival, now);
    return;
  }
  if (error === 'TEMPORARY_FAILURE') {
    if (!refusedForNow(lineage, now)) lineage.timers.set('rekey-ike', now + pause(host, TEMPORARY_FAILURE_RETRY));
    return;
  }
  lineage.timers.set('rekey-ike', now + lineage.connection.lifetime / 10);
  sa.note('local', 'rekey of the IKE SA was refused', { error }, now);
}

const MAXIMUM_RETRIES = 3;
