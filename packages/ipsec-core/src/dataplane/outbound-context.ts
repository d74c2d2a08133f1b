import type { SecurityAssociationDatabase } from '../policy/sad.js';
import type { SecurityPolicyDatabase } from '../policy/spd.js';
import type { Tunnel } from '../policy/tunnel.js';
import type { AcquireQueue } from './acquire.js';
import type { DropCounters } from './drop-counters.js';
import type { IcmpErrors } from './icmp-error.js';
import type { PolicyCounterTable } from './policy-counters.js';
import type { ProtectedIcmpErrors } from './protected-icmp.js';
import type { Reassembler } from './reassembly.js';

/** What outbound processing looks at; the data plane swaps the first two together. */
export interface OutboundContext {
  database: SecurityPolicyDatabase;
  /** By `SecurityPolicyDatabase.placeOf`; undefined where no entry protects. */
  tunnels: readonly (Tunnel | undefined)[];
  readonly associations: SecurityAssociationDatabase;
  readonly policies: PolicyCounterTable;
  readonly acquires: AcquireQueue;
  readonly drops: DropCounters;
  readonly reassembler: Reassembler;
  readonly icmpErrors: IcmpErrors;
  readonly icmp: ProtectedIcmpErrors;
  readonly random: (out: Uint8Array) => void;
}
