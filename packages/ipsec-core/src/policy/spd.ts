import type { Direction } from '../crypto/provider.js';
import { PolicyError } from '../errors.js';
import type { Flow } from '../wire/ip/flow.js';
import { FlowCache } from './flow-cache.js';
import { PacketClassifier } from './packet-classifier.js';
import { checkPolicy, populatedFields, type SecurityPolicy } from './security-policy.js';

/** Makes an immutable snapshot. Earlier entries win. Throws PolicyError. */
export function createSecurityPolicyDatabase(policies: readonly SecurityPolicy[]): SecurityPolicyDatabase {
  const seen = new Set<string>();
  for (const [i, policy] of policies.entries()) {
    const { entryId } = policy;
    if (seen.has(entryId)) throw new PolicyError('DUPLICATE_ENTRY', `[${i}].entryId`, `"${entryId}" occurs twice.`);
    seen.add(entryId);
    checkPolicy(policy, `[${i}]`);
  }
  return new SecurityPolicyDatabase(policies);
}

export class SecurityPolicyDatabase {
  readonly entries: readonly SecurityPolicy[];
  /** The PFP flags of each entry, bits of SELECTOR_FIELD. */
  readonly populated: Uint8Array;
  readonly #v4: PacketClassifier;
  readonly #v6: PacketClassifier;
  readonly #cache = new FlowCache();

  constructor(entries: readonly SecurityPolicy[]) {
    this.entries = entries;
    this.populated = Uint8Array.from(entries, populatedFields);
    this.#v4 = new PacketClassifier(4, entries);
    this.#v6 = new PacketClassifier(6, entries);
  }

  /**
   * Index of the entry that decides a packet, NO_ENTRY, or HIDDEN_FIELDS. Outbound, local is the packet's source;
   * inbound, its destination (RFC 4301 section 4.4.1.1: selectors name local and remote, not source and destination).
   */
  lookup(flow: Flow, direction: Direction): number {
    const inbound = direction === 'inbound';
    const cached = this.#cache.find(flow, inbound);
    if (cached !== undefined) return cached;
    const answer = this.search(flow, direction);
    this.#cache.store(flow, inbound, answer);
    return answer;
  }

  /** As `lookup`, past the cache. */
  search(flow: Flow, direction: Direction): number {
    return (flow.family === 4 ? this.#v4 : this.#v6).find(flow, direction === 'inbound');
  }
}
