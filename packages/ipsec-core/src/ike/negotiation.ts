import { INTEG, nameOf, TRANSFORM_TYPE } from '../wire/ike/iana.js';
import type { Proposal, Transform } from '../wire/ike/payloads/sa.js';

/**
 * Choosing a proposal, RFC 7296 section 3.3.6 and RFC 9370 section 2.2.1, and explaining why none was chosen. Two
 * transforms are the same when type, number and key length are. A type that one side does not list counts as listed
 * with NONE (0), so that "no ADDKE" and "ADDKE NONE" meet, and combined-mode ciphers with and without INTEG NONE.
 */
export type Negotiated =
  | { readonly ok: true; readonly proposal: Proposal; readonly transforms: readonly Transform[] }
  | { readonly ok: false; readonly refusals: readonly ProposalRefusal[] };

/** Why one offered proposal did not meet one of ours. */
export interface ProposalRefusal {
  readonly offered: number;
  readonly accepted: number;
  readonly reason: 'protocol' | 'spi_size' | 'transform';
  readonly transformType?: string;
  readonly theirs?: readonly string[];
  readonly ours?: readonly string[];
}

export function negotiate(
  offered: readonly Proposal[],
  accepted: readonly (readonly Transform[])[],
  protocol: number,
  spiSize: number,
): Negotiated {
  const refusals: ProposalRefusal[] = [];
  for (const proposal of offered) {
    if (proposal.protocol !== protocol || proposal.spi.length !== spiSize) {
      const reason = proposal.protocol === protocol ? 'spi_size' : 'protocol';
      refusals.push({ offered: proposal.number, accepted: 0, reason });
      continue;
    }
    for (const [index, own] of accepted.entries()) {
      const outcome = combine(proposal.transforms, own);
      if (Array.isArray(outcome)) return { ok: true, proposal, transforms: outcome };
      refusals.push({ offered: proposal.number, accepted: index + 1, reason: 'transform', ...(outcome as Mismatch) });
    }
  }
  return { ok: false, refusals: refusals.slice(0, MAXIMUM_REFUSALS) };
}

/** Whether the peer's answer is one that our offer allows: one transform per type, each out of ours, none missing. */
export function isSelectionOf(chosen: readonly Transform[], offered: readonly Transform[]): boolean {
  const types = new Set(chosen.map((entry) => entry.type));
  if (types.size !== chosen.length) return false;
  const outcome = combine(chosen, offered);
  return (
    Array.isArray(outcome) && chosen.every((entry) => isNone(entry) || outcome.some((other) => same(entry, other)))
  );
}

export function describeTransform(transform: Transform): string {
  const size = transform.keyLength === undefined ? '' : `/${transform.keyLength}`;
  return `${nameOf(TRANSFORM_TYPE, transform.type)} ${transform.id}${size}`;
}

interface Mismatch {
  readonly transformType: string;
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
}

/** One transform per type, the first of ours that they list too; or the first type on which the two do not meet. */
function combine(theirs: readonly Transform[], ours: readonly Transform[]): Transform[] | Mismatch {
  const chosen: Transform[] = [];
  const types = [...new Set([...ours, ...theirs].map((entry) => entry.type))].sort((a, b) => a - b);
  for (const type of types) {
    const left = withType(theirs, type);
    const right = withType(ours, type);
    const match = right.find((own) => left.some((other) => same(own, other)));
    if (match === undefined) {
      const transformType = nameOf(TRANSFORM_TYPE, type);
      return { transformType, theirs: left.map(describeTransform), ours: right.map(describeTransform) };
    }
    // What the peer did not list is not put into the answer.
    if (theirs.some((entry) => entry.type === type)) chosen.push(match);
  }
  return chosen;
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

const MAXIMUM_REFUSALS = 16;
