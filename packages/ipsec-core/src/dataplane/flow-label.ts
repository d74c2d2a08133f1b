import { HalfSipHash } from '../bytes/half-siphash.js';
import { readUint32 } from '../bytes/octets.js';
import type { OutboundAssociation } from '../policy/security-association.js';
import type { Flow } from '../wire/ip/flow.js';
import { FLOW_LABEL_MASK } from '../wire/ip/ipv6.js';

/**
 * Flow labels of outer IPv6 headers. RFC 6438 section 3 wants them of the inner 5-tuple, so that routers spread a
 * tunnel's flows over equal paths and keep each flow on one; fragments, which do not all show ports, by addresses and
 * protocol. The inner label is never copied (RFC 4301 section 5.1.2.2 note 8), and the hash is keyed with a secret of
 * this engine, so an observer can tell that two packets are of one flow but not of which. Where that is already too
 * much, `association` gives all packets one label; `zero` none.
 */
export class FlowLabeler {
  readonly #hash: HalfSipHash;

  /** `random` fills the array from a cryptographically secure source. */
  constructor(random: (out: Uint8Array) => void) {
    const key = new Uint8Array(8);
    random(key);
    this.#hash = new HalfSipHash(readUint32(key, 0), readUint32(key, 4));
  }

  /** 1..2^20-1, or 0 when the association sets none or its outer header has none. */
  label(association: OutboundAssociation, flow: Flow): number {
    const { outer, flowLabel } = association;
    if (outer === undefined || outer.family === 4 || flowLabel === 'zero') return 0;
    const hash = this.#hash.begin();
    hash.add(association.spi);
    if (flowLabel === 'flow') addFlow(hash, flow);
    // RFC 6437 section 3: 0 means unlabelled.
    return (hash.end() % FLOW_LABEL_MASK) + 1;
  }
}

function addFlow(hash: HalfSipHash, flow: Flow): void {
  const words = flow.family === 4 ? 1 : 4;
  for (let word = 0; word < words; word++) {
    hash.add(flow.source[word] ?? 0);
    hash.add(flow.destination[word] ?? 0);
  }
  hash.add(flow.protocol);
  if (flow.fragment === 'whole') hash.add(flow.sourcePort).add(flow.destinationPort);
}
