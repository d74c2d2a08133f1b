import { describeIdentity } from '../../wire/ike/payloads/identification.js';
import type { Transform } from '../../wire/ike/payloads/sa.js';
import type { WireSelector } from '../../wire/ike/payloads/traffic-selector.js';
import { describeTransforms } from '../../wire/ike/transform-name.js';
import type { ChildConfiguration, Connection } from '../connection.js';
import { describeSelector } from '../narrowing.js';
import type { FailureReason, RefusedOffer } from '../outputs.js';

/**
 * The peer's refusal of a request of ours, with what it is about. Its notify says that nothing was acceptable, and not what
 * would have been: whoever has to mend that must see both configurations.
 */
export function refusalOf(
  notify: string,
  exchange: string,
  { proposals, localIdentity, localAuthentication }: Connection,
): FailureReason {
  if (notify === 'NO_PROPOSAL_CHOSEN') return { code: 'peer_refused', notify, exchange, offer: offerOf(proposals) };
  if (notify !== 'AUTHENTICATION_FAILED') return { code: 'peer_refused', notify, exchange };
  const method = localAuthentication.kind === 'psk' ? 'a pre-shared key' : 'a signature';
  const identity = describeIdentity(localIdentity);
  return {
    code: 'peer_refused',
    notify,
    exchange,
    offer: { kind: 'identity', identity, method },
  };
}

/** The same about a Child SA. */
export function childRefusalOf(
  notify: string,
  exchange: string,
  { proposals }: ChildConfiguration,
  selectors: { readonly local: readonly WireSelector[]; readonly remote: readonly WireSelector[] },
): FailureReason {
  const refusal = { code: 'peer_refused', notify, exchange } as const;
  if (notify === 'NO_PROPOSAL_CHOSEN') return { ...refusal, offer: offerOf(proposals) };
  if (notify !== 'TS_UNACCEPTABLE') return refusal;
  const [local, remote] = [selectors.local, selectors.remote].map((all) =>
    all.slice(0, MAXIMUM_EXPLAINED).map(describeSelector),
  );
  return { ...refusal, offer: { kind: 'selectors', local: local ?? [], remote: remote ?? [] } };
}

function offerOf(proposals: readonly (readonly Transform[])[]): RefusedOffer {
  return { kind: 'proposals', proposals: proposals.slice(0, MAXIMUM_EXPLAINED).map(describeTransforms) };
}

const MAXIMUM_EXPLAINED = 8;
