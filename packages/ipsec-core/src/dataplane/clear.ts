import type { DropReason } from '../policy/drop-reason.js';
import { HIDDEN_FIELDS } from '../policy/packet-classifier.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import { Flow, parseFlow } from '../wire/ip/flow.js';
import { UNPROTECTED } from './fragment-check.js';
import type { InboundContext } from './inbound.js';
import type { InboundResult, Writable } from './verdict.js';

/**
 * RFC 4301 section 5.2, step 3b: what arrives from the unprotected side without AH or ESP is bypassed when the SPD says
 * so, and else discarded. PROTECT too is about "the IPsec protection that must be present at the receiver" (section
 * 4.4.1): what should have come protected is an attack or a mistake, and counted apart.
 */
export class ClearProcessor {
  readonly #context: InboundContext;
  readonly #flow = new Flow();
  readonly #result: Writable<InboundResult> = { verdict: 'discard', tunnelId: '', length: 0, reason: undefined };

  constructor(context: InboundContext) {
    this.#context = context;
  }

  receive(packet: Uint8Array, offset: number, length: number, now: number): InboundResult {
    const { database, policies, fragments } = this.#context;
    const flow = this.#flow;
    if (!parseFlow(flow, packet, offset, length)) return this.#answer('malformed_packet', '', 0, undefined);
    let index = database.lookup(flow, 'inbound');
    let refusal = refusalOf(database, index);
    if (flow.fragment !== 'whole') {
      fragments.entry = index;
      refusal = fragments.check(UNPROTECTED, database, packet, offset, flow, refusal, now);
      index = fragments.entry;
    }
    policies.countInbound(index, flow.totalLength);
    const tunnelId = database.choiceOf(index, flow, 'inbound')?.tunnelId ?? '';
    return this.#answer(refusal, tunnelId, flow.totalLength, policies.of(index));
  }

  #answer(
    reason: DropReason | undefined,
    tunnelId: string,
    length: number,
    entry: Float64Array | undefined,
  ): InboundResult {
    const { associations, drops } = this.#context;
    const tunnel = tunnelId === '' ? undefined : associations.tunnel(tunnelId);
    if (reason !== undefined) drops.count(reason, 1, tunnel?.counters, entry);
    const result = this.#result;
    result.verdict = reason === undefined ? 'bypass' : 'discard';
    result.tunnelId = tunnelId;
    result.length = reason === undefined ? length : 0;
    result.reason = reason;
    return result;
  }
}

/** Why a clear packet from the unprotected side, for which the SPD answered `index`, is discarded; undefined: it is bypassed. */
export function refusalOf(database: SecurityPolicyDatabase, index: number): DropReason | undefined {
  if (index === HIDDEN_FIELDS) return 'fragment_without_ports';
  const entry = database.entries[index];
  if (entry === undefined) return 'no_policy';
  if (entry.action === 'PROTECT') return 'protection_required';
  return entry.action === 'DISCARD' ? 'spd_discard' : undefined;
}
