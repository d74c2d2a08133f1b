import type { ChildSuite } from '../../crypto/ike/suite.js';
import { AUTH_METHOD, EXCHANGE, KE, nameOf, PROTOCOL } from '../../wire/ike/iana.js';
import { notifyName } from '../../wire/ike/notify-registry.js';
import { describeIdentity } from '../../wire/ike/payloads/identification.js';
import { describeTransforms } from '../../wire/ike/transform-name.js';
import { formatAddress } from '../../wire/ip/address.js';
import type { Endpoint } from '../connection.js';
import { describeFailure } from '../describe-failure.js';
import { describeSelector } from '../narrowing.js';
import type { FailureReason } from '../outputs.js';
import type { HistoryEntry, HistoryFact, MessageFact } from './entry.js';
import type { ExplainedEntry, ExplainedFact, ExplainedMessage } from './explained-entry.js';
import type { OfferedProposal } from './message-content.js';

/** Names the numbers of a history, and measures how long each of our requests took to be answered. Pure. */
export function explainHistory(entries: readonly HistoryEntry[]): readonly ExplainedEntry[] {
  const sentAt = new Map<string, number>();
  return entries.map((entry) => {
    const { at, sa } = entry;
    if (entry.kind !== 'message') return { at, sa, ...explainFact(entry) };
    const key = `${sa} ${entry.exchange} ${entry.id}`;
    if (entry.direction === 'sent' && !entry.response) sentAt.set(key, at);
    const since = entry.direction === 'received' && entry.response ? sentAt.get(key) : undefined;
    return { at, sa, ...explainMessage(entry), ...(since === undefined ? {} : { roundTrip: at - since }) };
  });
}

function explainMessage({ direction, exchange, response, id, content }: MessageFact): ExplainedMessage {
  const { payloads, proposals, keyExchangeMethod, identities, authMethod } = content;
  const { initiatorSelectors, responderSelectors } = content;
  return {
    kind: 'message',
    direction,
    exchange: nameOf(EXCHANGE, exchange),
    response,
    id,
    payloads: payloads.map((payload) => (typeof payload === 'number' ? `N(${notifyName(payload)})` : payload)),
    ...(proposals === undefined ? {} : { proposals: proposals.map(describeProposal) }),
    ...(keyExchangeMethod === undefined ? {} : { keyExchange: nameOf(KE, keyExchangeMethod) }),
    ...(identities.length === 0 ? {} : { identities: identities.map(describeIdentity) }),
    ...(authMethod === undefined ? {} : { authentication: nameOf(AUTH_METHOD, authMethod) }),
    ...(initiatorSelectors === undefined ? {} : { initiatorSelectors: initiatorSelectors.map(describeSelector) }),
    ...(responderSelectors === undefined ? {} : { responderSelectors: responderSelectors.map(describeSelector) }),
  };
}

function explainFact(fact: Exclude<HistoryFact, MessageFact>): ExplainedFact {
  const { kind } = fact;
  switch (kind) {
    case 'retransmitted':
      return { kind, exchange: nameOf(EXCHANGE, fact.exchange), id: fact.id, attempt: fact.attempt };
    case 'answered-again':
      return { kind, exchange: nameOf(EXCHANGE, fact.exchange), id: fact.id, times: fact.times };
    case 'nat-found':
      return { kind, weBehind: fact.weBehind, peerBehind: fact.peerBehind };
    case 'established': {
      const [local, remote] = [describeIdentity(fact.local), describeIdentity(fact.remote)];
      const keyExchange = fact.keyExchangeMethods.map((method) => nameOf(KE, method));
      return { kind, keyExchange, postQuantum: fact.postQuantum, local, remote };
    }
    case 'child-installed': {
      const { child, inboundSpi, outboundSpi, mode, suite, ...selectors } = fact.association;
      const [local, remote] = [selectors.local.map(describeSelector), selectors.remote.map(describeSelector)];
      return { kind, child, inboundSpi, outboundSpi, suite: suiteName(suite), mode, local, remote };
    }
    case 'child-refused':
      return { kind, child: fact.child ?? null, ...explained(fact.reason) };
    case 'child-taken-back':
      return { kind, child: fact.child };
    case 'reauthentication':
      return { kind, step: fact.step };
    case 'reauthentication-demanded':
      return { kind, withinSeconds: fact.withinSeconds };
    case 'rekey-lost':
      return { kind, of: fact.of };
    case 'path-changed':
      return { kind, local: describeEndpoint(fact.local), remote: describeEndpoint(fact.remote) };
    case 'sent-by-another-path':
      return { kind, exchange: nameOf(EXCHANGE, fact.exchange), id: fact.id };
    case 'addresses-refused':
      return { kind, notify: fact.notify, from: describeEndpoint(fact.from) };
    case 'path-refused':
    case 'rekey-refused':
    case 'refused':
    case 'failed':
      return { kind, ...explained(fact.reason) };
    case 'seen-elsewhere':
    case 'took-over':
    case 'closed':
      return { kind };
  }
}

function explained(reason: FailureReason): { readonly reason: FailureReason; readonly why: string } {
  return { reason, why: describeFailure(reason) };
}

function describeProposal({ number, protocol, transforms }: OfferedProposal): string {
  return `${number}: ${nameOf(PROTOCOL, protocol)} ${describeTransforms(transforms)}`;
}

function describeEndpoint({ address, port }: Endpoint): string {
  return `${formatAddress(address)} port ${port}`;
}

function suiteName(suite: ChildSuite): string {
  const { protocol, keyBits, integrity } = suite;
  const cipher = suite.protocol === 'esp' ? suite.encryption : undefined;
  const bits = keyBits === undefined || keyBits === 0 ? '' : `/${keyBits}`;
  const names =
    cipher === undefined ? `${integrity}${bits}` : `${cipher}${bits}${integrity === undefined ? '' : ` ${integrity}`}`;
  return `${protocol} ${names}${suite.extendedSequenceNumbers ? ' esn' : ''}`;
}
