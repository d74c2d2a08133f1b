import { type ChildSuite, childSuiteOf } from '../../crypto/ike/suite.js';
import { PROTOCOL, TRANSFORM_TYPE } from '../../wire/ike/iana.js';
import { notify } from '../../wire/ike/payloads/notify.js';
import type { Payload } from '../../wire/ike/payloads/registry.js';
import type { Proposal, Transform } from '../../wire/ike/payloads/sa.js';
import type { WireSelector } from '../../wire/ike/payloads/traffic-selector.js';
import type { ChildConfiguration } from '../connection.js';
import { isWithin, narrow } from '../narrowing.js';
import { isSelectionOf, negotiate } from '../negotiation.js';
import type { FailureReason } from '../outputs.js';
import { find, findNotify } from './payload-access.js';

/** What both sides agreed on for one Child SA, before keys. */
export interface ChildAgreement {
  readonly peerSpi: number;
  readonly suite: ChildSuite;
  readonly local: readonly WireSelector[];
  readonly remote: readonly WireSelector[];
  readonly mode: 'tunnel' | 'transport';
}

export type ChildOutcome =
  | { readonly ok: true; readonly agreement: ChildAgreement; readonly answer: readonly Payload[] }
  | { readonly ok: false; readonly refusal: readonly Payload[]; readonly reason: FailureReason };

/** SA, TSi, TSr and notifies of a request. The first Child SA has no key exchange of its own (section 1.2). */
export function childOffer(configuration: ChildConfiguration, spi: number, withKeyExchange: boolean): Payload[] {
  return [
    {
      kind: 'SA',
      proposals: configuration.proposals.map((transforms, index) => ({
        number: index + 1,
        protocol: PROTOCOL.ESP,
        spi: spiOctets(spi),
        transforms: withKeyExchange ? transforms : withoutKeyExchange(transforms),
      })),
    },
    { kind: 'TSi', selectors: configuration.local },
    { kind: 'TSr', selectors: configuration.remote },
    ...(configuration.mode === 'transport' ? [notify('USE_TRANSPORT_MODE')] : []),
    notify('ESP_TFC_PADDING_NOT_SUPPORTED'),
  ];
}

/** The responder's choice; `answer` is SA, TSi, TSr and notifies of the response. */
export function answerChild(
  configuration: ChildConfiguration,
  payloads: readonly Payload[],
  spi: number,
  withKeyExchange: boolean,
): ChildOutcome {
  const [sa, tsi, tsr] = [find(payloads, 'SA'), find(payloads, 'TSi'), find(payloads, 'TSr')];
  if (sa === undefined || tsi === undefined || tsr === undefined) {
    return {
      ok: false,
      refusal: [notify('INVALID_SYNTAX')],
      reason: { code: 'invalid_message', detail: 'no SA, TSi or TSr' },
    };
  }
  const strip = withKeyExchange ? (all: readonly Transform[]) => all : withoutKeyExchange;
  const offered: Proposal[] = sa.proposals.map((proposal) => ({ ...proposal, transforms: strip(proposal.transforms) }));
  const outcome = negotiate(offered, configuration.proposals.map(strip), PROTOCOL.ESP, CHILD_SPI_LENGTH);
  const suite = outcome.ok ? childSuiteOf(outcome.transforms) : undefined;
  if (!outcome.ok || suite === undefined) {
    const refusals = outcome.ok ? [] : outcome.refusals;
    return { ok: false, refusal: [notify('NO_PROPOSAL_CHOSEN')], reason: { code: 'no_proposal_chosen', refusals } };
  }
  const remote = narrow(tsi.selectors, configuration.remote);
  const local = narrow(tsr.selectors, configuration.local);
  if (remote.length === 0 || local.length === 0) {
    return { ok: false, refusal: [notify('TS_UNACCEPTABLE')], reason: { code: 'ts_unacceptable' } };
  }
  const transport = configuration.mode === 'transport' && findNotify(payloads, 'USE_TRANSPORT_MODE') !== undefined;
  const answer: Payload[] = [
    { kind: 'SA', proposals: [{ ...outcome.proposal, spi: spiOctets(spi), transforms: outcome.transforms }] },
    { kind: 'TSi', selectors: remote },
    { kind: 'TSr', selectors: local },
    ...(transport ? [notify('USE_TRANSPORT_MODE')] : []),
    notify('ESP_TFC_PADDING_NOT_SUPPORTED'),
  ];
  const agreement = {
    peerSpi: spiNumber(outcome.proposal.spi),
    suite,
    local,
    remote,
    mode: transport ? 'transport' : 'tunnel',
  } as const;
  return { ok: true, agreement, answer };
}

/** What the initiator makes of the response; undefined when the answer is not one that the offer allows. */
export function acceptChild(
  configuration: ChildConfiguration,
  payloads: readonly Payload[],
  withKeyExchange: boolean,
): ChildAgreement | undefined {
  const [sa, tsi, tsr] = [find(payloads, 'SA'), find(payloads, 'TSi'), find(payloads, 'TSr')];
  const proposal = sa?.proposals.length === 1 ? sa.proposals[0] : undefined;
  const own = configuration.proposals[(proposal?.number ?? 0) - 1];
  if (proposal === undefined || own === undefined || tsi === undefined || tsr === undefined) return undefined;
  const offered = withKeyExchange ? own : withoutKeyExchange(own);
  const suite = childSuiteOf(proposal.transforms);
  if (proposal.spi.length !== CHILD_SPI_LENGTH || suite === undefined || !isSelectionOf(proposal.transforms, offered))
    return undefined;
  if (!isWithin(tsi.selectors, configuration.local) || !isWithin(tsr.selectors, configuration.remote)) return undefined;
  const transport = findNotify(payloads, 'USE_TRANSPORT_MODE') !== undefined;
  if (transport && configuration.mode !== 'transport') return undefined;
  return {
    peerSpi: spiNumber(proposal.spi),
    suite,
    local: tsi.selectors,
    remote: tsr.selectors,
    mode: transport ? 'transport' : 'tunnel',
  };
}

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
