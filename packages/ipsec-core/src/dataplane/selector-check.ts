import { isCarriedBy } from '../policy/carrier.js';
import type { DropReason } from '../policy/drop-reason.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import type { InboundAssociation } from '../policy/security-association.js';
import type { Flow } from '../wire/ip/flow.js';
import { isIcmpError } from '../wire/ip/quote.js';
import type { InboundContext } from './inbound.js';

/** Whether policy lets a packet come out of the association that brought it (RFC 4301 section 5.2 step 4). Reused. */
export class SelectorCheck {
  readonly #context: InboundContext;
  readonly #flow: Flow;
  /** Index of the entry that allows the packet checked last. */
  entry = 0;

  constructor(context: InboundContext, flow: Flow) {
    this.#context = context;
    this.#flow = flow;
  }

  /** The selector check, and what it means for fragments and for ICMP errors. */
  refusalOf(association: InboundAssociation, out: Uint8Array, outOffset: number, now: number): DropReason | undefined {
    const { database, fragments, icmp } = this.#context;
    const flow = this.#flow;
    const refusal = this.#checkSelectors(association);
    if (isIcmpError(flow)) {
      const allowed = refusal === undefined;
      const admitted = icmp.admits(database, association, out, outOffset, flow, allowed, this.entry);
      return admitted ? undefined : 'icmp_error_mismatch';
    }
    if (flow.fragment === 'whole') return refusal;
    fragments.entry = this.entry;
    const answer = fragments.check(association, database, out, outOffset, flow, refusal, now);
    this.entry = fragments.entry;
    return answer;
  }

  /**
   * What the SPD allows, since it is not decorrelated ("an ordered search of SPD MUST be performed to verify that inbound
   * traffic arriving on an SA is consistent", RFC 4301 section 4.4.1), and then what the association was made for.
   */
  #checkSelectors({ tunnelId, traffic }: InboundAssociation): DropReason | undefined {
    const { database } = this.#context;
    const flow = this.#flow;
    const index = database.lookup(flow, 'inbound');
    this.entry = index;
    if (index === HIDDEN_FIELDS) return 'fragment_without_ports';
    const choice = database.choiceOf(index, flow, 'inbound');
    if (choice === undefined || !isCarriedBy(choice, tunnelId)) return 'selector_mismatch';
    if (traffic.selectors === undefined) return undefined;
    const match = traffic.selectors.match(flow, true);
    if (match === 'match') return undefined;
    return match === 'hidden' ? 'fragment_without_ports' : 'selector_mismatch';
  }
}
