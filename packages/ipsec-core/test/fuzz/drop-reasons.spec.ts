import { readFileSync } from 'node:fs';
import {
  createDataPlane,
  createSecurityPolicyDatabase,
  type DataPlane,
  DROP_REASONS,
  type DropReason,
  type EspAssociationParameters,
} from '@weft/ipsec-core';
import { nodeCryptoProvider } from '@weft/ipsec-core/node-crypto';
import { describe, expect, it } from 'vitest';
import { SequenceCounter } from '../../src/policy/extended-sequence.js';
import { ipPacket, udp } from '../support/packets.js';
import { loadCorpus } from './corpus.js';
import { Session } from './session.js';

/** A spec that expects the reason by name. */
interface Spec {
  readonly spec: string;
}

const REASSEMBLY: Spec = { spec: 'src/dataplane/reassembly.spec.ts' };

const PATH_MTU: Spec = { spec: 'src/dataplane/path-mtu.spec.ts' };

/**
 * How each drop reason is reached: by an input of the corpus, by another spec, or by a scenario that answers with the
 * reason it got. A reason that nothing reaches does not compile here: either it has a scenario or it should not exist.
 */
const REACHED_BY: Readonly<Record<DropReason, 'corpus' | Spec | (() => DropReason | undefined)>> = {
  malformed_packet: 'corpus',
  buffer_too_small: () => protect(plane(), CLEAR, CLEAR.length),
  no_policy: 'corpus',
  spd_discard: 'corpus',
  fragment_without_ports: 'corpus',
  fragment_malformed: 'corpus',
  fragment_tiny: REASSEMBLY,
  fragment_oversize: 'corpus',
  fragment_overlap: 'corpus',
  fragment_duplicate: REASSEMBLY,
  fragment_end_conflict: REASSEMBLY,
  fragment_too_many: REASSEMBLY,
  fragment_ecn_mixed: REASSEMBLY,
  fragment_of_refused_packet: REASSEMBLY,
  reassembly_timeout: REASSEMBLY,
  reassembly_evicted: REASSEMBLY,
  no_tunnel: { spec: 'src/dataplane/carriers.spec.ts' },
  no_association: 'corpus',
  association_expired: 'corpus',
  sequence_exhausted: () => {
    const exhausted = plane();
    // 2^32 packets take too long: the counter is moved to where they would have left it.
    const advance = SequenceCounter.prototype.advance;
    SequenceCounter.prototype.advance = function (this: SequenceCounter) {
      this.restore(0, 0xffffffff);
      return advance.call(this);
    };
    try {
      return protect(exhausted, CLEAR, 400);
    } finally {
      SequenceCounter.prototype.advance = advance;
    }
  },
  fragment_in_transport_mode: 'corpus',
  unprotectable_header: 'corpus',
  packet_too_large: () => {
    const jumbo = ipPacket({ source: '10.1.0.1', destination: '10.2.0.1', payload: udp(1, 2, 65_500) });
    return protect(plane(), jumbo, 70_000);
  },
  exceeds_path_mtu: 'corpus',
  fragment_not_taken: PATH_MTU,
  bundle_too_deep: 'corpus',
  malformed_esp: 'corpus',
  malformed_ah: 'corpus',
  not_ipsec: 'corpus',
  underlay_fragment: 'corpus',
  protection_required: 'corpus',
  mode_mismatch: 'corpus',
  bundle_incomplete: 'corpus',
  unknown_spi: 'corpus',
  replay_late: 'corpus',
  replayed: 'corpus',
  integrity_failed: 'corpus',
  bad_padding: 'corpus',
  bad_next_header: 'corpus',
  malformed_inner_packet: 'corpus',
  selector_mismatch: 'corpus',
  icmp_error_mismatch: 'corpus',
  dummy_packet: 'corpus',
  ecn_congestion_lost: 'corpus',
};

const CLEAR = ipPacket({ source: '10.1.0.1', destination: '10.2.0.1' });
const ASSOCIATION: EspAssociationParameters = {
  direction: 'outbound',
  tunnelId: 't',
  spi: 0x1000,
  protocol: 'esp',
  mode: 'tunnel',
  suite: 'aes-gcm-16',
  keyBits: 128,
  keyingMaterial: new Uint8Array(20),
  extendedSequenceNumbers: false,
  replayWindow: 64,
  softLifetimeMilliseconds: 1e6,
  hardLifetimeMilliseconds: 1e6,
};

/** Everything is protected by one association. */
function plane(): DataPlane {
  const made = createDataPlane({ provider: nodeCryptoProvider, random: (out) => void out.fill(0) });
  const any = { localAddresses: [], remoteAddresses: [], protocol: 'any' as const, localPorts: [], remotePorts: [] };
  made.installPolicy(
    createSecurityPolicyDatabase([{ entryId: 'e', ruleId: 'r', selectors: [any], action: 'PROTECT', tunnelId: 't' }]),
  );
  made.install(ASSOCIATION, 0);
  return made;
}

/** The reason, after it has been counted once and nothing else was. */
function protect(by: DataPlane, packet: Uint8Array, room: number): DropReason | undefined {
  const { reason } = by.protect(packet, 0, packet.length, new Uint8Array(room), 0, 1);
  const counted = by.drops().filter(({ packets }) => packets > 0n);
  expect(counted).toEqual(reason === undefined ? [] : [{ reason, packets: 1n }]);
  return reason;
}

describe('drop reasons', () => {
  const corpus = loadCorpus();

  it.each(corpus)('$reason is reached by the corpus, and every guard holds', ({ reason, steps }) => {
    const session = new Session(nodeCryptoProvider);
    for (const step of steps) session.take(step);
    session.finish();
    expect([...session.reached.keys()]).toContain(reason);
  });

  it.each(DROP_REASONS)('%s is reached', (reason) => {
    const how = REACHED_BY[reason];
    if (how === 'corpus') expect(corpus.map((entry) => entry.reason)).toContain(reason);
    else if (typeof how === 'function') expect(how()).toBe(reason);
    else
      expect(
        readFileSync(new URL(`../../${how.spec}`, import.meta.url), 'utf8')
          .split(/\W/)
          .includes(reason),
      ).toBe(true);
  });
});
