import type { Identity } from '../../wire/ike/payloads/identification.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Proposal, Transform } from '../../wire/ike/payloads/sa.js';
import type { WireSelector } from '../../wire/ike/payloads/traffic-selector.js';

/**
 * What a message says of the negotiation, without its secrets, shares and signatures, and in a form that costs little to
 * keep: numbers are named when somebody asks.
 */
export interface MessageContent {
  /** In order; a notify is its number. */
  readonly payloads: readonly (Exclude<Payload['kind'], 'N'> | number)[];
  /** In a request what is offered, in a response what was chosen. */
  readonly proposals: readonly OfferedProposal[] | undefined;
  readonly keyExchangeMethod: number | undefined;
  /** IDi and IDr, as far as they are there. */
  readonly identities: readonly Identity[];
  readonly authMethod: number | undefined;
  readonly initiatorSelectors: readonly WireSelector[] | undefined;
  readonly responderSelectors: readonly WireSelector[] | undefined;
}

export interface OfferedProposal {
  readonly number: number;
  readonly protocol: number;
  readonly transforms: readonly Transform[];
}

export function contentOf(payloads: readonly Payload[]): MessageContent {
  let [proposals, keyExchangeMethod, authMethod]: [
    MessageContent['proposals'],
    number | undefined,
    number | undefined,
  ] = [undefined, undefined, undefined];
  let [initiatorSelectors, responderSelectors]: (readonly WireSelector[] | undefined)[] = [];
  const identities: Identity[] = [];
  for (const payload of payloads) {
    if (payload.kind === 'SA') proposals = payload.proposals.slice(0, MAXIMUM_PROPOSALS).map(keep);
    else if (payload.kind === 'KE') keyExchangeMethod = payload.method;
    else if (payload.kind === 'AUTH') authMethod = payload.method;
    else if (payload.kind === 'TSi') initiatorSelectors = payload.selectors.slice(0, MAXIMUM_SELECTORS);
    else if (payload.kind === 'TSr') responderSelectors = payload.selectors.slice(0, MAXIMUM_SELECTORS);
    else if (payload.kind === 'IDi' || payload.kind === 'IDr') identities.push(payload.identity);
  }
  return {
    payloads: payloads
      .slice(0, MAXIMUM_PAYLOADS)
      .map((payload) => (payload.kind === 'N' ? payload.type : payload.kind)),
    proposals,
    keyExchangeMethod,
    identities,
    authMethod,
    initiatorSelectors,
    responderSelectors,
  };
}

/** Without its SPI, which is a view of the whole message. */
function keep({ number, protocol, transforms }: Proposal): OfferedProposal {
  return { number, protocol, transforms: transforms.slice(0, MAXIMUM_TRANSFORMS) };
}

/** Beyond what anybody offers in earnest. */
const MAXIMUM_PAYLOADS = 32;
const MAXIMUM_PROPOSALS = 8;
const MAXIMUM_TRANSFORMS = 32;
const MAXIMUM_SELECTORS = 8;
