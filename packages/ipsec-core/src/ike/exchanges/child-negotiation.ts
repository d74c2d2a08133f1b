import { type ChildSuite, childSuiteOf } from '../../crypto/ike/suite.js';
import { PROTOCOL, SN, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import { type Proposal, type Transform, transform } from '../../wire/ike/payloads/sa.js';
import type { WireSelector } from '../../wire/ike/payloads/traffic-selector.js';
import type { ChildConfiguration } from '../connection.js';
import { describeSelector, isSingleAddress, isWithin, narrow } from '../narrowing.js';
import { isReservedSpi, isSelectionOf, negotiate, proposalOf } from '../negotiation.js';
import type { FailureReason } from '../outputs.js';
import type { ChildContext } from './child-context.js';
import { find, findNotify } from './payload-access.js';

/** What both sides agreed on for one Child SA, before keys. */
export interface ChildAgreement {
  readonly peerSpi: number;
  readonly suite: ChildSuite;
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
  readonly mode: 'tunnel' | 'transport';
  readonly tfcPadding: boolean;
  readonly nonFirstFragmentsAlso: boolean;
}

export type ChildOutcome =
  | { readonly ok: true; readonly agreement: ChildAgreement; readonly answer: readonly Payload[] }
  | { readonly ok: false; readonly refusal: readonly Payload[]; readonly reason: FailureReason };

/** SA, TSi, TSr and notifies of a request. */
export function childOffer(configuration: ChildConfiguration, spi: number, context: ChildContext): Payload[] {
  const protocol = protocolNumber(configuration);
  return [
    {
      kind: 'SA',
      proposals: ownProposals(configuration, context).map((transforms, index) => ({
        number: index + 1,
        protocol,
        spi: spiOctets(spi),
        transforms,
      })),
    },
    { kind: 'TSi', selectors: context.local },
    { kind: 'TSr', selectors: context.remote },
    ...(wantsTransport(configuration, context) ? [notify('USE_TRANSPORT_MODE')] : []),
    ...tfcNotify(configuration),
    ...(configuration.nonFirstFragmentsAlso === true ? [notify('NON_FIRST_FRAGMENTS_ALSO')] : []),
  ];
}

/** The responder's choice; `answer` is SA, TSi, TSr and notifies of the response. */
export function answerChild(
  configuration: ChildConfiguration,
  payloads: readonly Payload[],
  spi: number,
  context: ChildContext,
): ChildOutcome {
  const [sa, tsi, tsr] = [find(payloads, 'SA'), find(payloads, 'TSi'), find(payloads, 'TSr')];
  if (sa === undefined || tsi === undefined || tsr === undefined) {
    return {
      ok: false,
      refusal: [notify('INVALID_SYNTAX')],
      reason: { code: 'invalid_message', detail: 'no SA, TSi or TSr' },
    };
  }
  const strip = context.withKeyExchange ? (all: readonly Transform[]) => all : withoutKeyExchange;
  const offered: Proposal[] = sa.proposals.map((proposal) =>
    proposalOf(proposal, proposal.spi, strip(proposal.transforms)),
  );
  const accepted = ownProposals(configuration, context);
  const outcome = negotiate(offered, accepted, protocolNumber(configuration), CHILD_SPI_LENGTH);
  const suite = outcome.ok ? childSuiteOf(configuration.protocol ?? 'esp', outcome.transforms) : undefined;
  if (!outcome.ok || suite === undefined) {
    const refusals = outcome.ok ? [] : outcome.refusals;
    return { ok: false, refusal: [notify('NO_PROPOSAL_CHOSEN')], reason: { code: 'no_proposal_chosen', refusals } };
  }
  const peerSpi = spiNumber(outcome.proposal.spi);
  if (context.isPeerSpiTaken(peerSpi)) {
    const reason = { code: 'invalid_message', detail: SPI_TAKEN } as const;
    return { ok: false, refusal: [notify('NO_PROPOSAL_CHOSEN')], reason };
  }
  const transport = wantsTransport(configuration, context) && findNotify(payloads, 'USE_TRANSPORT_MODE') !== undefined;
  // Before the selectors: with a NAT between, each end has other addresses, which is not what is wrong.
  const unfit = unfitMode(configuration, transport ? 'transport' : 'tunnel', context);
  // No notify says it better (section 3.10.1).
  if (unfit !== undefined) return { ok: false, refusal: [notify('NO_PROPOSAL_CHOSEN')], reason: unfit };
  const selectors = answerSelectors(configuration, tsi.selectors, tsr.selectors, context);
  if (!selectors.ok) return selectors;
  const { local, remote } = selectors;
  const nonFirstFragmentsAlso = !transport && takesFragments(configuration, payloads);
  const answer: Payload[] = [
    { kind: 'SA', proposals: [proposalOf(outcome.proposal, spiOctets(spi), outcome.transforms)] },
    { kind: 'TSi', selectors: remote },
    { kind: 'TSr', selectors: local },
    ...(transport ? [notify('USE_TRANSPORT_MODE')] : []),
    ...tfcNotify(configuration),
    ...(nonFirstFragmentsAlso ? [notify('NON_FIRST_FRAGMENTS_ALSO')] : []),
  ];
  const agreement = {
    peerSpi,
    suite,
    local,
    remote,
    mode: transport ? 'transport' : 'tunnel',
    tfcPadding: takesTfcPadding(payloads),
    nonFirstFragmentsAlso,
  } as const;
  return { ok: true, agreement, answer };
}

/** A policy of ours by which a request is granted. */
export interface GrantedChild {
  readonly configuration: ChildConfiguration;
  readonly outcome: ChildOutcome & { readonly ok: true };
}

/** One that does not allow it. */
export interface RefusedChild {
  readonly configuration: ChildConfiguration;
  readonly outcome: Refused;
}

export function isGranted(choice: GrantedChild | RefusedChild): choice is GrantedChild {
  return choice.outcome.ok;
}

/**
 * The first of our policies that allows what the peer wants most, its first selectors: "If the responder's policy allows it
 * to accept the first selector of TSi and TSr, then the responder MUST narrow the Traffic Selectors to a subset that
 * includes the initiator's first choices" (section 2.9). Otherwise the first that allows anything of it; where none does,
 * the refusal of the one that came closest.
 */
export function chooseChild(
  configurations: readonly ChildConfiguration[],
  payloads: readonly Payload[],
  spi: number,
  contextFor: (configuration: ChildConfiguration) => ChildContext,
): GrantedChild | RefusedChild | undefined {
  const first = [find(payloads, 'TSi')?.selectors.slice(0, 1), find(payloads, 'TSr')?.selectors.slice(0, 1)];
  let granted: GrantedChild | undefined;
  let refused: RefusedChild | undefined;
  for (const configuration of configurations) {
    const outcome = answerChild(configuration, payloads, spi, contextFor(configuration));
    if (!outcome.ok) {
      if (refused === undefined || outcome.reason.code === 'ts_unacceptable') refused = { configuration, outcome };
      continue;
    }
    const { remote, local } = outcome.agreement;
    if (isWithin(first[0] ?? [], remote) && isWithin(first[1] ?? [], local)) return { configuration, outcome };
    granted ??= { configuration, outcome };
  }
  return granted ?? refused;
}

/** What the initiator makes of the response; undefined when the answer is not one that the offer allows. */
export function acceptChild(
  configuration: ChildConfiguration,
  payloads: readonly Payload[],
  context: ChildContext,
): ChildAgreement | undefined {
  const [sa, tsi, tsr] = [find(payloads, 'SA'), find(payloads, 'TSi'), find(payloads, 'TSr')];
  const proposal = sa?.proposals.length === 1 ? sa.proposals[0] : undefined;
  const offered = ownProposals(configuration, context)[(proposal?.number ?? 0) - 1];
  if (proposal === undefined || offered === undefined || tsi === undefined || tsr === undefined) return undefined;
  const suite = childSuiteOf(configuration.protocol ?? 'esp', proposal.transforms);
  if (proposal.protocol !== protocolNumber(configuration) || proposal.spi.length !== CHILD_SPI_LENGTH) return undefined;
  if (suite === undefined || !isSelectionOf(proposal.transforms, offered) || isReservedSpi(proposal.spi))
    return undefined;
  const peerSpi = spiNumber(proposal.spi);
  if (context.isPeerSpiTaken(peerSpi)) return undefined;
  if (!isWithin(tsi.selectors, context.local) || !isWithin(tsr.selectors, context.remote)) return undefined;
  const transport = findNotify(payloads, 'USE_TRANSPORT_MODE') !== undefined;
  if (transport && !wantsTransport(configuration, context)) return undefined;
  return {
    peerSpi,
    suite,
    local: tsi.selectors,
    remote: tsr.selectors,
    mode: transport ? 'transport' : 'tunnel',
    tfcPadding: takesTfcPadding(payloads),
    nonFirstFragmentsAlso: !transport && takesFragments(configuration, payloads),
  };
}

/** Why a Child SA in this mode is not one that the configuration allows; undefined when it is one. */
export function unfitMode(
  { transportRequired }: ChildConfiguration,
  mode: ChildAgreement['mode'],
  { nat }: Pick<ChildContext, 'nat'>,
): FailureReason | undefined {
  if (transportRequired !== true || mode === 'transport') return undefined;
  return { code: nat ? 'transport_behind_nat' : 'transport_declined' };
}

/** As they are sent: each says which sequence numbers, a mandatory type (section 3.3.3); one that is silent means plain ones. */
function ownProposals(
  { proposals }: ChildConfiguration,
  { withKeyExchange }: Pick<ChildContext, 'withKeyExchange'>,
): readonly (readonly Transform[])[] {
  return proposals.map((transforms) => {
    const wanted = withKeyExchange ? transforms : withoutKeyExchange(transforms);
    const isSilent = wanted.every(({ type }) => type !== TRANSFORM_TYPE.SN);
    return isSilent ? [...wanted, transform(TRANSFORM_TYPE.SN, SN.NO_ESN)] : wanted;
  });
}

/** AH or ESP, for Delete payloads and notifies about one. */
export function protocolNumber({ protocol }: Pick<ChildConfiguration, 'protocol'>): number {
  return protocol === 'ah' ? PROTOCOL.AH : PROTOCOL.ESP;
}

function wantsTransport({ mode }: ChildConfiguration, { nat }: ChildContext): boolean {
  return mode === 'transport' && !nat;
}

function tfcNotify({ acceptTfcPadding, protocol }: ChildConfiguration): Payload[] {
  return acceptTfcPadding === false && protocol !== 'ah' ? [notify('ESP_TFC_PADDING_NOT_SUPPORTED')] : [];
}

function takesTfcPadding(payloads: readonly Payload[]): boolean {
  return findNotify(payloads, 'ESP_TFC_PADDING_NOT_SUPPORTED') === undefined;
}

/** Where both ends say so; an answer without the notify declines (RFC 4301 section 7.3, RFC 7296 section 3.10.1). */
function takesFragments({ nonFirstFragmentsAlso }: ChildConfiguration, payloads: readonly Payload[]): boolean {
  return nonFirstFragmentsAlso === true && findNotify(payloads, 'NON_FIRST_FRAGMENTS_ALSO') !== undefined;
}

/** RFC 7296 section 2.9; where each flow has an SA pair of its own, the first selectors name the flow, and nothing else. */
function answerSelectors(
  { perFlow }: ChildConfiguration,
  offeredRemote: readonly WireSelector[],
  offeredLocal: readonly WireSelector[],
  context: ChildContext,
): { readonly ok: true; readonly local: readonly WireSelector[]; readonly remote: readonly WireSelector[] } | Refused {
  const of = (offered: readonly WireSelector[]) => (perFlow === true ? offered.slice(0, 1) : offered);
  const remote = narrow(of(offeredRemote), context.remote);
  const local = narrow(of(offeredLocal), context.local);
  for (const [side, selectors] of [['remote', remote] as const, ['local', local] as const]) {
    if (selectors.length > 0) continue;
    const offered = side === 'remote' ? offeredRemote : offeredLocal;
    const explain = (all: readonly WireSelector[]) => all.slice(0, MAXIMUM_EXPLAINED).map(describeSelector);
    const reason = {
      code: 'ts_unacceptable',
      side,
      offered: explain(offered),
      allowed: explain(context[side]),
    } as const;
    return { ok: false, refusal: [notify('TS_UNACCEPTABLE')], reason };
  }
  if (perFlow === true && ![...local, ...remote].every(isSingleAddress)) {
    const reason = { code: 'single_pair_required' } as const;
    return { ok: false, refusal: [notify('SINGLE_PAIR_REQUIRED')], reason };
  }
  return { ok: true, local, remote };
}

type Refused = ChildOutcome & { readonly ok: false };

export function spiOctets(spi: number): Uint8Array {
  return Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi);
}

export function spiNumber(octets: Uint8Array): number {
  return new DataView(octets.buffer, octets.byteOffset, octets.length).getUint32(0);
}

function withoutKeyExchange(transforms: readonly Transform[]): readonly Transform[] {
  return transforms.filter((entry) => entry.type !== TRANSFORM_TYPE.KE && entry.type < TRANSFORM_TYPE.ADDKE1);
}

const CHILD_SPI_LENGTH = 4;
const SPI_TAKEN = 'an SPI that another of its Child SAs has';
const MAXIMUM_EXPLAINED = 8;
