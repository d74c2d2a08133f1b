import { isCarriedBy } from '../policy/carrier.js';
import type { InboundAssociation } from '../policy/security-association.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import { Flow } from '../wire/ip/flow.js';
import { PROTOCOL } from '../wire/ip/protocol.js';
import { isIcmpError, Quote } from '../wire/ip/quote.js';

/**
 * ICMP errors that pass through tunnels (RFC 4301 section 6.2). A host acts on the packet that an error quotes, so "an
 * IPsec implementation MUST be configurable to check that this payload header information is consistent with the SA via
 * which it arrives"; else any peer could tear down connections with any other. The configuration is the SPD, by the
 * convention of that section, read strictly: an entry that names ICMP carries such messages by their own header, as
 * other traffic; an entry for any protocol does not "explicitly" allow them, so over it, and over no entry at all, the
 * quoted packet decides. It is held to policy in the direction in which it travelled, which is what reversing its fields
 * amounts to, and also tells message types of ICMP apart, which have no reverse.
 */
export class ProtectedIcmpErrors {
  readonly #quoted = new Flow();
  readonly #quote = new Quote();

  /**
   * Inbound: whether an ICMP error may leave the tunnel. `allowed`: its own header matches policy, by entry `index`.
   */
  admits(
    database: SecurityPolicyDatabase,
    association: InboundAssociation,
    packet: Uint8Array,
    offset: number,
    error: Flow,
    allowed: boolean,
    index: number,
  ): boolean {
    if (allowed && namesIcmp(database, index)) return true;
    const quoted = this.#quoted;
    if (!this.#quote.read(quoted, packet, offset, error)) return false;
    // It goes to whoever sent the packet that it is about.
    for (let word = 0; word < 4; word++) if (quoted.source[word] !== error.destination[word]) return false;
    const choice = database.choiceOf(database.search(quoted, 'outbound'), quoted, 'outbound');
    if (choice === undefined || !isCarriedBy(choice, association.tunnelId)) return false;
    const { selectors } = association.traffic;
    return selectors === undefined || selectors.match(quoted, false) === 'match';
  }

  /**
   * Outbound: the entry of the association "that would carry the return traffic associated with the packet that
   * triggered the ICMP error message", for a message that no entry allows; `reply` becomes that return traffic's flow.
   * -1: there is none. An entry that discards is an answer of the operator's and is not gone around.
   */
  entryOfReturnTraffic(
    database: SecurityPolicyDatabase,
    packet: Uint8Array,
    offset: number,
    error: Flow,
    reply: Flow,
  ): number {
    const quoted = this.#quoted;
    if (!isIcmpError(error) || !this.#quote.read(quoted, packet, offset, error)) return -1;
    for (let word = 0; word < 4; word++) if (quoted.source[word] !== error.destination[word]) return -1;
    const index = database.search(quoted, 'inbound');
    if (database.entries[index]?.action !== 'PROTECT') return -1;
    reverse(reply, quoted);
    return index;
  }
}

function namesIcmp(database: SecurityPolicyDatabase, index: number): boolean {
  const selectors = database.entries[index]?.selectors ?? [];
  return selectors.some(({ protocol }) => protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6);
}

function reverse(reply: Flow, flow: Flow): void {
  reply.family = flow.family;
  reply.source.set(flow.destination);
  reply.destination.set(flow.source);
  reply.protocol = flow.protocol;
  reply.sourcePort = flow.destinationPort;
  reply.destinationPort = flow.sourcePort;
  reply.fragment = flow.fragment;
}
