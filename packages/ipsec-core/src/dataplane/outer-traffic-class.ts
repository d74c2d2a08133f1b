import type { InboundAssociation } from '../policy/security-association.js';
import { decapsulateEcn } from '../wire/ip/ecn.js';
import { readTrafficClass, writeTrafficClass } from '../wire/ip/header.js';
import type { EcnCounters } from './ecn-counters.js';

/**
 * What the tunnel header's traffic class does to the packet inside: ECN by RFC 6040 section 4.2, the DSCP only when the
 * association says so (RFC 4301 section 5.1.2: "By default, DS propagation from an unprotected domain to a protected
 * domain is not permitted"). The outer header is not authenticated by ESP, so nothing else of it is looked at. The
 * packet must be well-formed. False: it must be dropped.
 */
export function absorbOuterTrafficClass(
  association: InboundAssociation,
  counters: EcnCounters,
  packet: Uint8Array,
  offset: number,
  outer: number,
): boolean {
  const inner = readTrafficClass(packet, offset);
  if (inner === outer) return true;
  counters.count(inner, outer);
  const ecn = decapsulateEcn(inner, outer);
  if (ecn < 0) return false;
  const result = ((association.innerDscp === 'overwrite' ? outer : inner) & DSCP_MASK) | ecn;
  if (result !== inner) writeTrafficClass(packet, offset, result);
  return true;
}

const DSCP_MASK = 0xfc;
