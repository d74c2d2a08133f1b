import { INTEG, TRANSFORM_TYPE } from '../wire/ike/iana.js';
import type { Proposal, Transform } from '../wire/ike/payloads/sa.js';
import { transformName, transformTypeName } from '../wire/ike/transform-name.js';

/**
 * Choosing a proposal, RFC 7296 section 3.3.6 and RFC 9370 section 2.2.1, and explaining why none was chosen. Two
 * transforms are the same when type, number and key length are. A type that one side does not list counts as listed
 * with NONE (0), so that "no ADDKE" and "ADDKE NONE" meet, and combined-mode ciphers with and without INTEG NONE. But for
 * types that nobody here knows, and for sequence numbers, of which there is no NONE: "if the responder receives a proposal
 * that contains a Transform Type it does not understand, or a proposal that is missing a mandatory Transform Type, it MUST
 * consider this proposal unacceptable".
 */
export type Negotiated =
  | { readonly ok: true; readonly proposal: Proposal; readonly transforms: readonly Transform[] }
  | { readonly ok: false; readonly refusals: readonly ProposalRefusal[] };

/** Why one offered proposal did not meet one of ours. Proposals are numbered as on the wire; ours from 1. */
export type ProposalRefusal =
  | { readonly offered: number; readonly reason: 'protocol' | 'spi_size' | 'spi_reserved' }
  | {
      readonly offered: number;
      readonly accepted: number;
      readonly reason: 'transforms';
      readonly differences: readonly TransformDifference[];
    };

/** A type of transform of which the two lists have nothing in common. */
export interface TransformDifference {
  /** `ENCR`, `ADDKE1`. */
  readonly type: string;
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
}

export function negotiate(
  offered: readonly Proposal[],
  accepted: readonly (readonly Transform[])[],
  protocol: number,
  spiSize: number,
): Negotiated {
  const refusals: ProposalRefusal[] = [];
  for (const proposal of offered) {
    if (proposal.protocol !== protocol || proposal.spi.length !== spiSize || isReservedSpi(proposal.spi)) {
      const about = proposal.spi.length === spiSize ? 'spi_reserved' : 'spi_size';
      const reason = proposal.protocol === protocol ? about : 'protocol';
      if (refusals.length < MAXIMUM_REFUSALS) refusals.push({ offered: proposal.number, reason });
      continue;
    }
    for (const [index, own] of accepted.entries()) {
      const outcome = combine(proposal.transforms, own);
      if (outcome.unmet.length === 0) return { ok: true, proposal, transforms: outcome.chosen };
      // Anybody can offer a great many: what is said of them costs no more than this.
      if (refusals.length >= MAXIMUM_REFUSALS) continue;
      const differences = outcome.unmet.map((type) => differenceOf(type, proposal.transforms, own));
      refusals.push({ offered: proposal.number, accepted: index + 1, reason: 'transforms', differences });
    }
  }
  return { ok: false, refusals };
}

/** What answers an offered proposal: with its number and for its protocol. */
export function proposalOf(
  { number, protocol }: Proposal,
  spi: Uint8Array,
  transforms: readonly Transform[],
): Proposal {
  return { number, protocol, spi, transforms };
}

/**
 * That nobody may have: of an IKE SA zero (section 3.1), of a Child SA those below 256: "The set of SPI values in the range 1
 * through 255 are reserved", and zero "MUST NOT be sent on the wire" (RFC 4303 section 2.1).
 */
export function isReservedSpi(spi: Uint8Array): boolean {
  const head = spi.length === CHILD_SPI_LENGTH ? spi.subarray(0, CHILD_SPI_LENGTH - 1) : spi;
  return spi.length > 0 && head.every((octet) => octet === 0);
}

/** Whether the peer's answer is one that our offer allows: one transform per type, each out of ours, none missing. */
export function isSelectionOf(chosen: readonly Transform[], offered: readonly Transform[]): boolean {
  const types = new Set(chosen.map((entry) => entry.type));
  if (types.size !== chosen.length) return false;
  const outcome = combine(chosen, offered);
  return (
    outcome.unmet.length === 0 &&
    chosen.every((entry) => isNone(entry) || outcome.chosen.some((other) => same(entry, other)))
  );
}

interface Combination {
  readonly chosen: readonly Transform[];
  /** Types of which the two lists have nothing in common. */
  readonly unmet: readonly number[];
}

/** One transform per type: the first of ours that they list too. */
function combine(theirs: readonly Transform[], ours: readonly Transform[]): Combination {
  const types = [...new Set([...ours, ...theirs].map((entry) => entry.type))].sort((a, b) => a - b);
  const common = types.map((type): Common => {
    const listed = listedBy(theirs, type);
    return { type, transforms: withType(ours, type).filter((own) => listed.some((other) => same(own, other))) };
  });
  const unmet = common.filter(({ transforms }) => transforms.length === 0).map(({ type }) => type);
  if (unmet.length > 0) return { chosen: [], unmet };
  const additional = distinct(common.filter(({ type }) => isAdditional(type)));
  if (additional === undefined) return { chosen: [], unmet: types.filter(isAdditional) };
  const main = common.filter(({ type }) => !isAdditional(type)).flatMap(({ transforms }) => transforms.slice(0, 1));
  // What the peer did not list is not put into the answer.
  const chosen = [...main, ...additional].filter(({ type }) => theirs.some((entry) => entry.type === type));
  return { chosen, unmet };
}

/** What both lists have of one type, in our order. */
interface Common {
  readonly type: number;
  readonly transforms: readonly Transform[];
}

/**
 * One of each, no method twice: "for the Additional Key Exchange types, the responder's choice MUST NOT contain duplicated
 * algorithms …, except for the transform ID of NONE" (RFC 9370 section 2.2.1). Of what is possible, the first in our order.
 */
function distinct(
  [first, ...rest]: readonly Common[],
  taken: readonly Transform[] = [],
): readonly Transform[] | undefined {
  if (first === undefined) return [];
  for (const transform of first.transforms) {
    const repeated = taken.some(({ id, keyLength }) => id === transform.id && keyLength === transform.keyLength);
    if (repeated && !isNone(transform)) continue;
    const others = distinct(rest, [...taken, transform]);
    if (others !== undefined) return [transform, ...others];
  }
  return undefined;
}

export function isAdditional(type: number): boolean {
  return type >= TRANSFORM_TYPE.ADDKE1 && type <= TRANSFORM_TYPE.ADDKE7;
}

function differenceOf(type: number, theirs: readonly Transform[], ours: readonly Transform[]): TransformDifference {
  const names = (transforms: readonly Transform[]) => transforms.slice(0, MAXIMUM_NAMED).map(transformName);
  const listed = KNOWN_TYPES.has(type) ? listedBy(theirs, type) : withType(theirs, type);
  return { type: transformTypeName(type), theirs: names(listed), ours: names(withType(ours, type)) };
}

function listedBy(theirs: readonly Transform[], type: number): readonly Transform[] {
  const isMissing = type === TRANSFORM_TYPE.SN && theirs.every((entry) => entry.type !== type);
  return KNOWN_TYPES.has(type) && !isMissing ? withType(theirs, type) : [];
}

function withType(transforms: readonly Transform[], type: number): readonly Transform[] {
  const listed = transforms.filter((entry) => entry.type === type && !entry.unknownAttribute);
  if (transforms.some((entry) => entry.type === type)) return listed;
  return [{ type, id: INTEG.NONE, keyLength: undefined, unknownAttribute: false }];
}

function same(left: Transform, right: Transform): boolean {
  return left.type === right.type && left.id === right.id && left.keyLength === right.keyLength;
}

function isNone(transform: Transform): boolean {
  return transform.id === 0;
}

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(TRANSFORM_TYPE));
const MAXIMUM_REFUSALS = 16;
/** Transforms of a type that are told of one proposal. */
const MAXIMUM_NAMED = 16;
const CHILD_SPI_LENGTH = 4;
