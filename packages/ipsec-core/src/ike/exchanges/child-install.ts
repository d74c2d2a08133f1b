import type { Secret } from '../../bytes/secret.js';
import { childKeys } from '../../crypto/ike/key-schedule.js';
import { childKeyLength } from '../../crypto/ike/suite.js';
import { type ChildSa, lowerNonce } from '../child-sa.js';
import type { ChildConfiguration } from '../connection.js';
import type { IkeSa } from '../ike-sa.js';
import type { Lineage } from '../lineage.js';
import type { FailureReason } from '../outputs.js';
import { REDUNDANCY_DELAY } from '../timers.js';
import { policyOf } from './child-context.js';
import type { ChildAgreement } from './child-negotiation.js';
import { jittered } from './lifetimes.js';

/** An SPI for an offer of ours, which the host is told of: the peer may be faster than its answer. */
export function offeredSpi({ host, lineage }: IkeSa): number {
  const inboundSpi = host.childSpis.allocate(lineage);
  host.emit({ kind: 'expect-child', inboundSpi });
  return inboundSpi;
}

export interface ChildKeyInputs {
  readonly shared: Secret | undefined;
  /** Of the additional key exchanges, in order. */
  readonly additional: readonly Secret[];
  readonly initiatorNonce: Uint8Array;
  readonly responderNonce: Uint8Array;
  /** Who sent the request of the exchange. */
  readonly creator: 'us' | 'peer';
  /** Whether traffic moves to it at once. */
  readonly useOutbound: boolean;
}

/** Derives the keys and hands both directions to the host. Wipes the shared secrets. */
export function installChild(
  sa: IkeSa,
  configuration: ChildConfiguration,
  agreement: ChildAgreement,
  inboundSpi: number,
  inputs: ChildKeyInputs,
  now: number,
): ChildSa {
  const { lineage } = sa;
  const policy = policyOf(configuration, agreement);
  const keys = childKeys(sa.keys, inputs, inputs, childKeyLength(agreement.suite));
  for (const secret of [inputs.shared, ...inputs.additional]) secret?.wipe();
  const [inbound, outbound] =
    inputs.creator === 'us' ? [keys.responder, keys.initiator] : [keys.initiator, keys.responder];
  const child: ChildSa = {
    association: {
      connection: lineage.connection.name,
      child: configuration.name,
      inboundSpi,
      outboundSpi: agreement.peerSpi,
      suite: agreement.suite,
      mode: agreement.mode,
      tfcPadding: agreement.tfcPadding,
      nonFirstFragmentsAlso: agreement.nonFirstFragmentsAlso,
      local: agreement.local,
      remote: agreement.remote,
      encapsulate: lineage.nat.present,
      localEndpoint: lineage.path.local,
      remoteEndpoint: lineage.path.remote,
    },
    configuration,
    policy,
    creator: inputs.creator,
    madeAt: now,
    lowestNonce: lowerNonce(inputs.initiatorNonce, inputs.responderNonce),
    phase: 'live',
    dueAt: now + jittered(sa.host, configuration.lifetime),
    outboundInUse: inputs.useOutbound,
    rival: undefined,
    successor: undefined,
    refusals: 0,
    handedOver: false,
    condemned: false,
  };
  lineage.children.install(child, { inbound, outbound });
  lineage.retries.delete(policy);
  sa.note({ kind: 'child-installed', association: child.association }, now);
  if (lineage.children.standing(policy).length > 1) {
    lineage.timers.set('redundancy', now + REDUNDANCY_DELAY);
  }
  return child;
}

/** Whether a new Child SA of the policy is the first: otherwise traffic stays where it is until that one goes. */
export function isFirst(sa: IkeSa, configuration: ChildConfiguration, agreement: ChildAgreement): boolean {
  const { lineage, host } = sa;
  const policy = policyOf(configuration, agreement);
  return ![lineage, ...host.established(lineage.connection)].some((other) =>
    other.children.standing(policy).some((child) => child.outboundInUse),
  );
}

/**
 * RFC 7296 section 2.8: "The responder can be assured that the initiator is prepared to receive messages on an SA if either
 * (1) it has received a cryptographically valid message on the other half of the SA pair, or (2) the new SA rekeys an
 * existing SA and it receives an IKE request to close the replaced SA." This is (1); (2) is where the Delete comes.
 */
export function confirmOutbound({ children }: Lineage, child: ChildSa): void {
  if (child.phase === 'live' || child.phase === 'replaced') children.useOutbound(child);
}

export function childFailed(sa: IkeSa, child: string | undefined, reason: FailureReason, now: number): void {
  sa.note({ kind: 'child-refused', child, reason }, now);
  sa.lineage.tell({ kind: 'child-failed', connection: sa.lineage.connection.name, child, reason });
}
