import { PolicyError, SecurityAssociationError } from '../errors.js';
import { checkSelector, type TrafficSelector } from './selector.js';
import { SelectorSets } from './selector-sets.js';

export interface TrafficParameters {
  /**
   * What it may carry, as negotiated or as a packet asked (RFC 4301 section 4.4.2); "local" is our side in both
   * directions. Left out: whatever the policy entries of its tunnel carry.
   */
  readonly selectors?: readonly TrafficSelector[];
  /** Outbound: it is for inner packets with these DSCP values, 0 to 63 (section 4.4.2.1). Left out: for any. */
  readonly dscpValues?: readonly number[];
}

/** Which part of its tunnel's traffic an association is for. */
export class AssociationTraffic {
  /** Undefined: whatever the policy entries of the tunnel carry. */
  readonly selectors: SelectorSets | undefined;
  /** Empty: any. */
  readonly dscpValues: readonly number[];
  /** The same text for the same traffic. */
  readonly key: string;
  readonly #lowDscp: number;
  readonly #highDscp: number;

  /** Throws SecurityAssociationError. */
  constructor({ selectors, dscpValues }: TrafficParameters) {
    checkSelectors(selectors);
    checkDscpValues(dscpValues);
    this.selectors = selectors === undefined ? undefined : new SelectorSets(selectors);
    this.dscpValues = dscpValues ?? [];
    this.key = JSON.stringify([selectors, dscpValues], (_, value) =>
      value instanceof Uint8Array ? [...value] : value,
    );
    const bits = (from: number) =>
      this.dscpValues.reduce((sum, value) => (value >> 5 === from ? sum | (1 << (value & 31)) : sum), 0);
    this.#lowDscp = bits(0);
    this.#highDscp = bits(1);
  }

  /** Whether it is a part only of what the tunnel's entries carry. */
  get isNarrowed(): boolean {
    return this.selectors !== undefined || this.isForDscp;
  }

  get isForDscp(): boolean {
    return this.dscpValues.length > 0;
  }

  carriesDscp(dscp: number): boolean {
    if (!this.isForDscp) return true;
    return (((dscp < 32 ? this.#lowDscp : this.#highDscp) >>> (dscp & 31)) & 1) === 1;
  }
}

function checkSelectors(selectors: readonly TrafficSelector[] | undefined): void {
  if (selectors === undefined) return;
  if (selectors.length === 0 || selectors.length > MAXIMUM_SELECTORS) {
    const what = `selectors are 1 to ${MAXIMUM_SELECTORS} sets, not ${selectors.length}; leave them out for all traffic.`;
    throw new SecurityAssociationError('SELECTOR', what);
  }
  for (const [i, selector] of selectors.entries()) {
    try {
      checkSelector(selector, `selectors[${i}]`);
    } catch (error) {
      throw error instanceof PolicyError ? new SecurityAssociationError('SELECTOR', error.message) : error;
    }
  }
}

function checkDscpValues(values: readonly number[] | undefined): void {
  if (values === undefined) return;
  if (values.length > 0 && values.every((value) => Number.isInteger(value) && value >= 0 && value <= 63)) return;
  throw new SecurityAssociationError('DSCP', 'dscpValues are one or more integers 0 to 63; leave them out for any.');
}

/** What a peer may make us hold every packet to. */
const MAXIMUM_SELECTORS = 1024;
